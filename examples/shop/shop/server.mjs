// The shop's web server: routes, cookies and nothing else. PORT=0 (the default) takes a free port.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { addToCart, countItems, priceCart, setQuantity } from './cart.mjs';
import { allProducts, askStock, findProduct, searchProducts } from './catalogue.mjs';
import { findOrder, placeOrder, STAGES, validateCheckout } from './orders.mjs';
import * as pages from './pages.mjs';

const STYLE = readFileSync(new URL('./style.css', import.meta.url));
const BODY_LIMIT = 64 * 1024;
const PEOPLE = new Map([['ada@example.com', { password: 'lovelace', name: 'Ada' }]]);
const visits = new Map();

function visitOf(request, response) {
  const known = /(?:^|;\s*)visit=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1];
  if (known && visits.has(known)) return visits.get(known);
  const id = randomUUID();
  const visit = { cart: new Map(), visitor: undefined };
  visits.set(id, visit);
  response.setHeader('Set-Cookie', `visit=${id}; HttpOnly; SameSite=Lax; Path=/`);
  return visit;
}

async function readForm(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > BODY_LIMIT) throw new RangeError('form too large');
  }
  return new URLSearchParams(text);
}

function send(response, status, type, body) {
  response.writeHead(status, { 'Content-Type': type }).end(body);
}

const sendJson = (response, status, value) => send(response, status, 'application/json', JSON.stringify(value));
const redirect = (response, location) => response.writeHead(303, { Location: location }).end();

function sendPage(response, visit, title, { body, script }, status = 200) {
  const items = countItems(visit.cart);
  const html = pages.layout({ title, visitor: visit.visitor, items, body, script });
  send(response, status, 'text/html; charset=utf-8', html);
}

const NO_FORM = new URLSearchParams();

const ROUTES = [
  ['GET', /^\/$/, ({ response, visit, url }) => {
    const words = url.searchParams.get('q') ?? '';
    const products = words ? searchProducts(words) : allProducts();
    sendPage(response, visit, 'Shop', { body: pages.listPage(products, words) });
  }],
  ['GET', /^\/products\/([\w-]+)$/, ({ response, visit, match }) => {
    const product = findProduct(match[1]);
    if (!product) return sendPage(response, visit, 'Not here', { body: pages.missingPage() }, 404);
    return sendPage(response, visit, product.name, pages.productPage(product));
  }],
  ['GET', /^\/api\/stock\/([\w-]+)$/, ({ response, match }) => {
    const stock = askStock(match[1]);
    if (stock.ready) sendJson(response, 200, { left: stock.left });
    else sendJson(response, 503, { error: 'the stock service is starting' });
  }],
  ['GET', /^\/cart$/, ({ response, visit }) => {
    sendPage(response, visit, 'Cart', { body: pages.cartPage(priceCart(visit.cart)) });
  }],
  ['POST', /^\/cart\/add$/, ({ response, visit, form }) => {
    addToCart(visit.cart, form.get('product'), Number(form.get('quantity') ?? 1));
    redirect(response, '/cart');
  }],
  ['POST', /^\/cart\/set$/, ({ response, visit, form }) => {
    setQuantity(visit.cart, form.get('product'), Number(form.get('quantity')));
    redirect(response, '/cart');
  }],
  ['GET', /^\/checkout$/, ({ response, visit }) => {
    if (!visit.cart.size) return redirect(response, '/cart');
    return sendPage(response, visit, 'Checkout', { body: pages.checkoutPage(priceCart(visit.cart), NO_FORM, {}) });
  }],
  ['POST', /^\/checkout$/, ({ response, visit, form }) => {
    if (!visit.cart.size) return redirect(response, '/cart');
    const bill = priceCart(visit.cart);
    const errors = validateCheckout(form);
    if (Object.keys(errors).length) {
      return sendPage(response, visit, 'Checkout', { body: pages.checkoutPage(bill, form, errors) }, 422);
    }
    const id = placeOrder(form, bill);
    visit.cart.clear();
    return redirect(response, `/orders/${id}`);
  }],
  ['GET', /^\/orders\/(\w+)$/, ({ response, visit, match }) => {
    const order = findOrder(match[1]);
    if (!order) return sendPage(response, visit, 'Not here', { body: pages.missingPage() }, 404);
    return sendPage(response, visit, 'Order', pages.orderPage(order));
  }],
  ['GET', /^\/api\/orders\/(\w+)$/, ({ response, match }) => {
    const order = findOrder(match[1]);
    if (order) sendJson(response, 200, { stage: order.stage, stages: STAGES });
    else sendJson(response, 404, { error: 'no such order' });
  }],
  ['GET', /^\/login$/, ({ response, visit }) => {
    sendPage(response, visit, 'Log in', { body: pages.loginPage(NO_FORM) });
  }],
  ['POST', /^\/login$/, ({ response, visit, form }) => {
    const person = PEOPLE.get(form.get('email'));
    if (!person || person.password !== form.get('password')) {
      const body = pages.loginPage(form, 'E-mail or password is wrong.');
      return sendPage(response, visit, 'Log in', { body }, 401);
    }
    visit.visitor = person.name;
    return redirect(response, '/account');
  }],
  ['GET', /^\/account$/, ({ response, visit }) => {
    if (!visit.visitor) return redirect(response, '/login');
    return sendPage(response, visit, 'Account', { body: pages.accountPage(visit.visitor) });
  }],
  ['POST', /^\/logout$/, ({ response, visit }) => {
    visit.visitor = undefined;
    redirect(response, '/');
  }],
];

async function answer(request, response) {
  const url = new URL(request.url, 'http://shop.invalid');
  if (url.pathname === '/style.css') return send(response, 200, 'text/css', STYLE);
  const visit = visitOf(request, response);
  for (const [method, pattern, handle] of ROUTES) {
    const match = request.method === method && pattern.exec(url.pathname);
    if (!match) continue;
    const form = method === 'POST' ? await readForm(request) : NO_FORM;
    return handle({ response, visit, url, match, form });
  }
  return sendPage(response, visit, 'Not here', { body: pages.missingPage() }, 404);
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    if (!response.headersSent) send(response, 500, 'text/plain', 'The shop has a problem.');
  });
});

server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  // The Playwright configuration reads the port from this line.
  console.log(`Lighthouse Goods on http://127.0.0.1:${server.address().port}`);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
