// What is for sale, and what the stock service knows. Prices are in cents.

const PRODUCTS = [
  { slug: 'kettle', name: 'Copper kettle', price: 5900, group: 'Kitchen', hue: 22, text: 'Holds 1.4 litres, whistles in G.' },
  { slug: 'teapot', name: 'Round teapot', price: 3450, group: 'Kitchen', hue: 190, text: 'Stoneware with a steel strainer.' },
  { slug: 'grinder', name: 'Hand coffee grinder', price: 7250, group: 'Kitchen', hue: 35, text: 'Forty clicks from espresso to French press.' },
  { slug: 'board', name: 'Oak cutting board', price: 2900, group: 'Kitchen', hue: 40, text: 'End grain, oiled, 40 by 28 cm.' },
  { slug: 'lamp', name: 'Reading lamp', price: 8900, group: 'Living', hue: 52, text: 'Warm light, a long arm and a quiet switch.' },
  { slug: 'blanket', name: 'Wool blanket', price: 6400, group: 'Living', hue: 340, text: 'Undyed wool from the hills, 140 by 200 cm.' },
  { slug: 'clock', name: 'Wall clock', price: 4200, group: 'Living', hue: 210, text: 'No ticking. One hand is red.' },
  { slug: 'vase', name: 'Tall vase', price: 2500, group: 'Living', hue: 265, text: 'For one branch or nine tulips.' },
  { slug: 'notebook', name: 'Dotted notebook', price: 1250, group: 'Desk', hue: 150, text: '192 numbered pages that lie flat.' },
  { slug: 'pen', name: 'Fountain pen', price: 5000, group: 'Desk', hue: 225, text: 'Steel nib, fine. Fills from a bottle.' },
  { slug: 'ink', name: 'Bottle of ink', price: 1400, group: 'Desk', hue: 240, text: 'Blue-black, 50 ml, not for carpets.' },
  { slug: 'scissors', name: 'Paper scissors', price: 1850, group: 'Desk', hue: 0, text: 'Long blades and large handles.' },
];

const STOCK = { kettle: 7, lamp: 3, vase: 0 };
const STOCK_SERVICE_START_MS = 600;

export function allProducts() {
  return PRODUCTS;
}

export function findProduct(slug) {
  return PRODUCTS.find((product) => product.slug === slug);
}

export function searchProducts(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return PRODUCTS.filter((product) => {
    const text = `${product.name} ${product.group} ${product.text}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

// Stock lives in a slow system behind the shop. The first question about a product only wakes it up.
const stockReadyAt = new Map();

export function askStock(slug, now = Date.now()) {
  if (!stockReadyAt.has(slug)) stockReadyAt.set(slug, now + STOCK_SERVICE_START_MS);
  if (now < stockReadyAt.get(slug)) return { ready: false };
  return { ready: true, left: STOCK[slug] ?? 12 };
}
