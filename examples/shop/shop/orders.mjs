// Orders, from the form to the door. The warehouse of the example works at a steady pace.

import { randomBytes } from 'node:crypto';

export const STAGES = ['Paid', 'Packed', 'Shipped', 'Delivered'];
const STAGE_MS = Number(process.env.SHOP_STAGE_MS ?? 3500);

const orders = new Map();

const CHECKS = [
  ['name', (value) => value.trim().length >= 2, 'Tell us your name.'],
  ['email', (value) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value), 'That is not an e-mail address.'],
  ['postcode', (value) => /^\d{5}$/.test(value), 'A postcode has five digits.'],
  ['card', (value) => /^\d{16}$/.test(value.replaceAll(' ', '')), 'A card number has sixteen digits.'],
];

export function validateCheckout(form) {
  const errors = {};
  for (const [field, holds, message] of CHECKS) {
    if (!holds(form.get(field) ?? '')) errors[field] = message;
  }
  return errors;
}

export function placeOrder(form, bill) {
  const id = randomBytes(4).toString('hex');
  orders.set(id, { id, name: form.get('name').trim(), bill, placedAt: Date.now() });
  return id;
}

export function findOrder(id) {
  const order = orders.get(id);
  if (!order) return undefined;
  const stage = Math.min(STAGES.length - 1, Math.floor((Date.now() - order.placedAt) / STAGE_MS));
  return { ...order, stage };
}
