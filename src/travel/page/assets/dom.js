/** A few lines instead of a framework: describe what should be there, and change only what is different. */

/**
 * An element. Properties are attributes; `true` sets an empty one, `false`, null and undefined leave it out.
 * @param {string} name
 * @param {Record<string, string | number | boolean | null | undefined>} attributes
 * @param {...(Node | string | false | null | undefined | (Node | string)[])} children
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, String(value));
  }
  element.append(...children.flat().filter((child) => child !== false && child !== null && child !== undefined));
  return element;
}

/**
 * Makes the children of `parent` equal to `wanted`. Elements that can stay do stay, so focus, scroll positions, selections and
 * what a visitor unfolded survive.
 */
export function show(parent, ...wanted) {
  const targets = wanted.flat().map((node) => (typeof node === 'string' ? document.createTextNode(node) : node));
  const keyed = new Map([...parent.children].flatMap((child) => (child.dataset.key ? [[child.dataset.key, child]] : [])));
  let current = parent.firstChild;
  for (const target of targets) {
    const own = target.nodeType === Node.ELEMENT_NODE && target.dataset.key ? keyed.get(target.dataset.key) : current;
    if (own && isAlike(own, target)) {
      if (own === current) current = current.nextSibling;
      else parent.insertBefore(own, current);
      patch(own, target);
    } else parent.insertBefore(target, current);
  }
  while (current) {
    const next = current.nextSibling;
    current.remove();
    current = next;
  }
}

const isAlike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && a.dataset?.key === b.dataset?.key;

function patch(own, target) {
  if (own.nodeType === Node.TEXT_NODE) {
    if (own.data !== target.data) own.data = target.data;
    return;
  }
  for (const { name } of [...own.attributes]) {
    // Whether it is unfolded is the visitor's business.
    if (!target.hasAttribute(name) && !(own.nodeName === 'DETAILS' && name === 'open')) own.removeAttribute(name);
  }
  for (const { name, value } of target.attributes) if (own.getAttribute(name) !== value) own.setAttribute(name, value);
  show(own, ...target.childNodes);
}
