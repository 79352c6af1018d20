/** The live page: one stream of views comes in, orders and actions go out. What is shown is always the last view, whole. */
import { show } from './dom.js';
import * as render from './render.js';

const RETRY_MS = 2_000;
/** The server gives a sign of life every 10 s. */
const SILENCE_MS = 25_000;

const place = (id) => document.getElementById(id);
/** Requests of this browser that are under way; their buttons do nothing meanwhile. */
const busy = new Set();
let view;
/** The activity that the visitor chose; without one the newest is shown. */
let chosen;

// --- the stream of views ------------------------------------------------------------------------------------------------

let source;
let silence;
let retry;

function connect() {
  source?.close();
  clearTimeout(retry);
  source = new EventSource(chosen === undefined ? '/events' : `/events?activity=${encodeURIComponent(chosen)}`);
  source.onopen = () => heard();
  source.onerror = () => {
    lost();
    // After a refusal the browser does not try again by itself.
    if (source.readyState === EventSource.CLOSED) retry = setTimeout(connect, RETRY_MS);
  };
  source.addEventListener('alive', heard);
  source.onmessage = ({ data }) => {
    heard();
    view = JSON.parse(data);
    draw();
  };
}

function heard() {
  place('connection').hidden = true;
  place('content').classList.remove('stale');
  clearTimeout(silence);
  silence = setTimeout(() => {
    lost();
    connect();
  }, SILENCE_MS);
}

function lost() {
  const banner = place('connection');
  banner.textContent = 'The connection to the agency is lost. Trying again; what you see below is from before.';
  banner.hidden = false;
  place('content').classList.add('stale');
}

// --- drawing --------------------------------------------------------------------------------------------------------------

function draw() {
  if (view === undefined) return;
  const banner = place('quorum');
  banner.className = `banner ${view.cluster.tone}`;
  show(banner, ...render.quorum(view.cluster));
  for (const choice of view.choices) show(place(choice.role), ...render.options(choice));
  show(place('happened'), ...render.happened(view.happened));
  show(place('trips'), render.trips(view.trips, view.timeline?.activity));
  show(place('providers'), ...render.providers(view.providers, busy));
  show(place('replicas'), ...render.replicas(view.replicas, view.controls, busy));
  show(place('proof-list'), ...render.proofs(view.replicas));
  show(place('timeline-body'), ...render.timeline(view.timeline));
}

// --- what a visitor does ----------------------------------------------------------------------------------------------------

/** Sends JSON. @returns what went wrong, in words, or undefined */
async function send(method, path, body) {
  try {
    const response = await fetch(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    if (response.ok) return undefined;
    const { message } = await response.json();
    return message;
  } catch {
    return 'the agency cannot be reached';
  }
}

/** Does one thing at a time for each `name`, and says what went wrong where everybody sees it. */
async function perform(name, what, method, path, body) {
  if (busy.has(name)) return;
  busy.add(name);
  place('problem').hidden = true;
  draw();
  const problem = await send(method, path, body);
  busy.delete(name);
  if (problem !== undefined) {
    place('problem').textContent = `${what} did not work: ${problem}.`;
    place('problem').hidden = false;
  }
  draw();
}

document.addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest('button') : null;
  if (button === null) return;
  const { action, replica, full, show: activity } = button.dataset;
  if (action !== undefined)
    void perform(
      `replica ${replica}`,
      `“${button.firstChild.data}” for replica ${replica}`,
      'POST',
      `/replicas/${replica}/${action}`,
      {},
    );
  else if (full !== undefined) void perform('hotel', 'Changing the hotel’s rooms', 'PUT', '/hotel', { full: full === 'true' });
  else if (activity !== undefined) choose(activity);
});

function choose(activity) {
  chosen = activity;
  connect();
  const heading = place('timeline-title');
  heading.focus({ preventScroll: true });
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
  heading.scrollIntoView({ behavior: isStill ? 'auto' : 'smooth', block: 'start' });
}

place('order').addEventListener('submit', async (event) => {
  event.preventDefault();
  if (busy.has('order')) return;
  const form = event.target;
  const said = place('ordered');
  const { customer, airline, hotel } = Object.fromEntries(new FormData(form));
  busy.add('order');
  said.className = 'hint';
  said.textContent = 'Asking the agency.';
  const problem = await send('POST', '/bookings', { customer: customer.trim(), items: { airline, hotel } });
  busy.delete('order');
  said.className = problem === undefined ? 'hint' : 'hint refused';
  said.textContent =
    problem === undefined ? `The agency has ${customer.trim()}’s order. See what happens to it.` : `Not booked: ${problem}.`;
  if (problem !== undefined) return;
  form.elements.customer.value = '';
  // The newest trip is the one to look at now.
  chosen = undefined;
  connect();
});

connect();
