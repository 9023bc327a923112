// The HTML of the shop: functions from data to strings. Everything a person typed goes through `escape`.

import { FREE_SHIPPING_FROM, VOLUME_DISCOUNT_FROM } from './cart.mjs';
import { STAGES } from './orders.mjs';

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (value) => String(value ?? '').replace(/[&<>"']/g, (character) => ENTITIES[character]);
const euros = (cents) => `${(cents / 100).toFixed(2)} €`;

export function layout({ title, visitor, items, body, script = '' }) {
  const account = visitor
    ? `<a href="/account">${escape(visitor)}</a>`
    : '<a href="/login">Log in</a>';
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${escape(title)} · Lighthouse Goods</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/style.css">
</head>
<body>
  <header>
    <a class="brand" href="/">Lighthouse Goods</a>
    <nav aria-label="Main">${account}<a href="/cart">Cart <span class="badge" data-testid="cart-count">${items}</span></a></nav>
  </header>
  <p class="banner">Free shipping from ${euros(FREE_SHIPPING_FROM)} · 10 % off orders of ${euros(VOLUME_DISCOUNT_FROM)} or more</p>
  <main>${body}</main>
  <footer>An example for Bellrock. Nothing here is for sale.</footer>
  ${script ? `<script type="module">${script}</script>` : ''}
</body>
</html>`;
}

function picture(product) {
  const { hue, name } = product;
  return `<svg class="picture" viewBox="0 0 120 90" role="img" aria-label="${escape(name)}">
    <rect width="120" height="90" fill="hsl(${hue} 45% 92%)"/>
    <circle cx="60" cy="48" r="24" fill="hsl(${hue} 45% 62%)"/>
    <circle cx="52" cy="41" r="7" fill="hsl(${hue} 60% 80%)"/>
    <rect x="34" y="72" width="52" height="3" rx="1.5" fill="hsl(${hue} 25% 78%)"/>
  </svg>`;
}

export function listPage(products, words) {
  const cards = products.map((product) => `
    <li class="card">
      <a href="/products/${product.slug}">${picture(product)}<h2>${escape(product.name)}</h2></a>
      <p class="muted">${escape(product.group)}</p>
      <p class="price">${euros(product.price)}</p>
    </li>`).join('');
  const found = products.length === 1 ? '1 product' : `${products.length} products`;
  return `
    <h1>Things that last</h1>
    <form class="search" role="search">
      <input name="q" type="search" value="${escape(words)}" placeholder="Search" aria-label="Search">
      <button>Search</button>
    </form>
    <p class="muted" role="status">${found}</p>
    <ul class="grid">${cards}</ul>
    ${products.length ? '' : '<p>Nothing matches. <a href="/">Show everything</a></p>'}`;
}

const STOCK_SCRIPT = `
  const place = document.querySelector('[data-stock]');
  const answer = await fetch('/api/stock/' + place.dataset.stock);
  const { left } = answer.ok ? await answer.json() : {};
  place.textContent = left === undefined ? 'Stock unknown' : left ? left + ' in stock' : 'Sold out';`;

export function productPage(product) {
  const body = `
    <article class="product">
      ${picture(product)}
      <div>
        <h1>${escape(product.name)}</h1>
        <p>${escape(product.text)}</p>
        <p class="price">${euros(product.price)}</p>
        <p class="muted" data-testid="stock" data-stock="${product.slug}">Asking the warehouse…</p>
        <form method="post" action="/cart/add">
          <input type="hidden" name="product" value="${product.slug}">
          <label>Quantity <input name="quantity" type="number" min="1" max="9" value="1"></label>
          <button>Add to cart</button>
        </form>
      </div>
    </article>`;
  return { body, script: STOCK_SCRIPT };
}

function sumRows(bill) {
  const rows = [['Goods', bill.goods], ['Shipping', bill.shipping]];
  if (bill.discount) rows.splice(1, 0, ['Discount', -bill.discount]);
  const cells = rows.map(([name, cents]) => `<tr><th scope="row" colspan="3">${name}</th><td>${euros(cents)}</td></tr>`);
  return `${cells.join('')}
    <tr class="total"><th scope="row" colspan="3">Total</th><td data-testid="total">${euros(bill.total)}</td></tr>`;
}

export function cartPage(bill) {
  if (!bill.lines.length) return '<h1>Cart</h1><p>Your cart is empty. <a href="/">Look around</a></p>';
  const rows = bill.lines.map(({ product, quantity, total }) => `
    <tr>
      <th scope="row"><a href="/products/${product.slug}">${escape(product.name)}</a></th>
      <td>
        <form method="post" action="/cart/set">
          <input type="hidden" name="product" value="${product.slug}">
          <input name="quantity" type="number" min="0" max="9" value="${quantity}" aria-label="Quantity of ${escape(product.name)}">
          <button class="quiet">Update</button>
        </form>
      </td>
      <td>
        <form method="post" action="/cart/set">
          <input type="hidden" name="product" value="${product.slug}"><input type="hidden" name="quantity" value="0">
          <button class="quiet" aria-label="Remove ${escape(product.name)}">Remove</button>
        </form>
      </td>
      <td>${euros(total)}</td>
    </tr>`).join('');
  return `<h1>Cart</h1>
    <div class="scroll"><table><tbody>${rows}</tbody><tfoot>${sumRows(bill)}</tfoot></table></div>
    <p><a class="button" href="/checkout">Go to checkout</a></p>`;
}

function field(name, label, form, errors, attributes = '') {
  const error = errors[name];
  return `<label>${label}
    <input name="${name}" value="${escape(form.get(name))}" ${attributes} ${error ? `aria-invalid="true" aria-describedby="${name}-error"` : ''}>
    ${error ? `<span class="error" id="${name}-error">${escape(error)}</span>` : ''}
  </label>`;
}

export function checkoutPage(bill, form, errors) {
  return `<h1>Checkout</h1>
    <p>To pay: <strong data-testid="total">${euros(bill.total)}</strong></p>
    <form class="stack" method="post" novalidate>
      ${field('name', 'Name', form, errors, 'autocomplete="name"')}
      ${field('email', 'E-mail', form, errors, 'type="email" autocomplete="email"')}
      ${field('postcode', 'Postcode', form, errors, 'inputmode="numeric"')}
      ${field('card', 'Card number', form, errors, 'inputmode="numeric" autocomplete="off"')}
      <button>Pay now</button>
    </form>`;
}

const ORDER_SCRIPT = `
  const list = document.querySelector('[data-order]');
  const timer = setInterval(async () => {
    const { stage, stages } = await (await fetch('/api/orders/' + list.dataset.order)).json();
    [...list.children].forEach((item, index) => item.toggleAttribute('data-done', index <= stage));
    document.querySelector('[role=status]').textContent = stages[stage];
    if (stage === stages.length - 1) clearInterval(timer);
  }, 400);`;

export function orderPage(order) {
  const items = STAGES.map((stage, index) => `<li ${index <= order.stage ? 'data-done' : ''}>${stage}</li>`).join('');
  const body = `<h1>Thank you, ${escape(order.name)}</h1>
    <p>Order <code>${order.id}</code>, ${euros(order.bill.total)}: <strong role="status">${STAGES[order.stage]}</strong></p>
    <ol class="stages" data-order="${order.id}">${items}</ol>`;
  return { body, script: ORDER_SCRIPT };
}

export function loginPage(form, error) {
  return `<h1>Log in</h1>
    ${error ? `<p class="error" role="alert">${escape(error)}</p>` : ''}
    <form class="stack" method="post">
      ${field('email', 'E-mail', form, {}, 'type="email"')}
      <label>Password <input name="password" type="password" autocomplete="current-password"></label>
      <button>Log in</button>
    </form>
    <p class="muted">Try ada@example.com with the password <code>lovelace</code>.</p>`;
}

export function accountPage(visitor) {
  return `<h1>Hello, ${escape(visitor)}</h1>
    <p>You are logged in.</p>
    <form method="post" action="/logout"><button class="quiet">Log out</button></form>`;
}

export function missingPage() {
  return '<h1>Not here</h1><p>This page does not exist. <a href="/">Back to the shop</a></p>';
}
