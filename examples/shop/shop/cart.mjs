// The cart and what it costs. Amounts are in cents.

import { findProduct } from './catalogue.mjs';

export const FREE_SHIPPING_FROM = 5000;
export const VOLUME_DISCOUNT_FROM = 10000;
const SHIPPING = 490;
const MAX_QUANTITY = 9;

export function setQuantity(cart, slug, quantity) {
  if (!findProduct(slug)) return;
  const wanted = Math.max(0, Math.min(MAX_QUANTITY, Math.trunc(quantity) || 0));
  if (wanted === 0) cart.delete(slug);
  else cart.set(slug, wanted);
}

export function addToCart(cart, slug, quantity) {
  setQuantity(cart, slug, (cart.get(slug) ?? 0) + quantity);
}

export function priceCart(cart) {
  const lines = [...cart].map(([slug, quantity]) => {
    const product = findProduct(slug);
    return { product, quantity, total: product.price * quantity };
  });
  const goods = lines.reduce((sum, line) => sum + line.total, 0);
  const discount = goods > VOLUME_DISCOUNT_FROM ? Math.round(goods / 10) : 0;
  const shipping = goods === 0 || goods >= FREE_SHIPPING_FROM ? 0 : SHIPPING;
  return { lines, goods, discount, shipping, total: goods - discount + shipping };
}

export function countItems(cart) {
  return [...cart.values()].reduce((sum, quantity) => sum + quantity, 0);
}
