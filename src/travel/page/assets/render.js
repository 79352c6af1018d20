/** From the view model to elements. Nothing here knows more than the view does. */
import { h } from './dom.js';

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const at = (ms) => h('time', { datetime: new Date(ms).toISOString() }, time.format(ms));
const mark = (tone) => h('span', { class: `mark ${tone}`, 'aria-hidden': 'true' });
const badge = ({ tone, says }) => h('span', { class: `badge ${tone}` }, mark(tone), says);

export const quorum = ({ tone, says }) => [mark(tone), h('span', {}, says)];

export const options = ({ items }) => items.map(({ item, label }) => h('option', { value: item }, label));

export const happened = (list) =>
  list.length === 0
    ? [h('li', { class: 'empty', 'data-key': 'none' }, 'Nothing yet. Book a trip, or stop a replica below.')]
    : list.map(({ id, tone, title, text, at: when }) =>
        h(
          'li',
          { 'data-key': id, class: tone },
          h('p', { class: 'title' }, mark(tone), h('strong', {}, title), when !== undefined && at(when)),
          h('p', {}, text),
        ),
      );

// --- reservations -------------------------------------------------------------------------------------------------------

const TRIP_COLUMNS = ['Customer', 'Flight', 'Hotel', 'The replicas agree', 'Airline’s book', 'Hotel’s book', 'Messages'];

export function trips(list, chosen) {
  if (list.length === 0) return h('p', { class: 'empty' }, 'No trip yet. The first one you book appears here.');
  const cell = (column, ...children) => h('td', { 'data-label': TRIP_COLUMNS[column] }, ...children);
  const rows = list.map((trip) =>
    h(
      'tr',
      { 'data-key': trip.booking, class: trip.activity !== undefined && trip.activity === chosen ? 'chosen' : undefined },
      h('th', { scope: 'row' }, trip.customer),
      cell(1, trip.flight),
      cell(2, trip.room),
      cell(3, badge(trip.coordinator)),
      cell(4, badge(trip.airline)),
      cell(5, badge(trip.hotel)),
      cell(6, trip.activity === undefined ? 'none yet' : timelineButton(trip, chosen)),
    ),
  );
  const head = h('tr', {}, ...TRIP_COLUMNS.map((name) => h('th', { scope: 'col' }, name)));
  const table = h('table', { class: 'trips' }, h('thead', {}, head), h('tbody', {}, ...rows));
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-labelledby': 'trips-title' }, table);
}

const timelineButton = ({ activity, customer }, chosen) =>
  h(
    'button',
    { type: 'button', class: 'small', 'data-show': activity, 'aria-pressed': String(activity === chosen) },
    'Show',
    h('span', { class: 'unseen' }, ` the messages of ${customer}’s trip`),
  );

// --- what is left ---------------------------------------------------------------------------------------------------------

export const providers = (list, busy) => list.map((provider) => providerCard(provider, busy));

function providerCard({ role, name, error, full, items }, busy) {
  const body =
    error !== undefined
      ? h('p', { class: 'trouble' }, `Its desk gives no answer: ${error}. The page goes on asking.`)
      : items.length === 0
        ? h('p', { class: 'empty' }, 'Asking its desk.')
        : h('table', { class: 'stock' }, h('thead', {}, stockHead()), h('tbody', {}, ...items.map(stockRow)));
  const button =
    role === 'hotel' &&
    error === undefined &&
    h(
      'p',
      { class: 'buttons' },
      h(
        'button',
        { type: 'button', 'data-full': String(!full), 'aria-disabled': busy.has('hotel') ? 'true' : undefined },
        full ? 'Free the rooms again' : 'Make the hotel full',
      ),
    );
  const state = error !== undefined ? { tone: 'bad', says: 'Not reachable' } : full ? { tone: 'warn', says: 'Full' } : undefined;
  return h('article', { class: 'card', 'data-key': role }, h('h3', {}, name, state && badge(state)), body, button);
}

const stockHead = () =>
  h(
    'tr',
    {},
    h('th', { scope: 'col' }, 'Item'),
    h('th', { scope: 'col', class: 'number' }, 'Left'),
    h('th', { scope: 'col', class: 'number' }, 'Taken'),
  );

const stockRow = ({ label, stock, taken }) =>
  h(
    'tr',
    {},
    h('th', { scope: 'row' }, label),
    h('td', { class: stock === 0 ? 'number none' : 'number' }, String(stock)),
    h('td', { class: 'number' }, String(taken)),
  );

// --- replicas -------------------------------------------------------------------------------------------------------------

export const replicas = (list, controls, busy) => list.map((replica) => replicaCard(replica, controls, busy));

function replicaCard(replica, controls, busy) {
  const { id, up, tone, says, error, facts, digest, links, proofs } = replica;
  const isBusy = busy.has(`replica ${id}`);
  return h(
    'article',
    {
      class: `card replica ${tone}`,
      'data-key': id,
      'data-replica': id,
      'aria-labelledby': `replica-${id}`,
      'aria-busy': isBusy ? 'true' : undefined,
    },
    h('h3', { id: `replica-${id}` }, `Replica ${id}`),
    h('p', {}, badge({ tone, says })),
    digest &&
      h(
        'p',
        { class: 'digest' },
        h('span', { class: 'name' }, 'State'),
        h('code', { class: `group-${digest.group % 4}` }, digest.text),
      ),
    error !== undefined && h('p', { class: 'trouble' }, error),
    facts.length > 0 && h('dl', {}, ...facts.flatMap(({ name, value }) => [h('dt', {}, name), h('dd', {}, value)])),
    links.length > 0 && linkLine(links),
    proofs.length > 0 &&
      h('p', { class: 'caught' }, badge({ tone: 'bad', says: 'Caught lying' }), h('a', { href: '#proofs' }, 'Proof')),
    controls === 'buttons' ? buttons(id, up, isBusy) : commandBox(replica),
  );
}

function linkLine(links) {
  const lost = links.filter(({ connected }) => !connected).map(({ replica }) => replica);
  const words = lost.length === 0 ? `all ${links.length} up` : `none to ${lost.join(' and ')}`;
  return h(
    'p',
    { class: 'links' },
    h('span', { class: 'name' }, 'Links'),
    h('span', { class: lost.length === 0 ? undefined : 'none' }, words),
  );
}

/** All proofs, below the cards: each two statements of one replica, side by side. */
export function proofs(list) {
  const found = list.flatMap(({ id, proofs: own }) => own.map((proof) => ({ id, proof })));
  if (found.length === 0) return [];
  const one = ({ id, proof: { says, position, stream, whose, shownBy, statements } }) =>
    h(
      'details',
      { class: 'proof', 'data-key': `${id} ${stream} ${position}`, 'data-liar': id },
      h('summary', {}, `Replica ${id}: two votes under number ${position} of ${whose}`),
      h('p', {}, says),
      h('p', { class: 'fine' }, `${shownBy}. The stream of the request: `, h('code', {}, stream)),
      h('div', { class: 'pair' }, ...statements.map(statementBox)),
    );
  return [h('article', { class: 'card proofs' }, h('h3', { id: 'proofs' }, 'Proofs'), ...found.map(one))];
}

const statementBox = ({ says, signed }, index) =>
  h(
    'div',
    { class: 'statement' },
    h('p', {}, h('strong', {}, index === 0 ? 'It signed this' : 'and this')),
    h('p', { class: 'vote-of' }, h('code', {}, says)),
    h('p', { class: 'fine' }, 'Path and signature'),
    h('code', { tabindex: '0' }, signed),
  );

const BUTTONS = {
  up: [
    ['kill', 'Kill'],
    ['pause', 'Pause'],
    ['corrupt', 'Make it lie'],
    ['restart', 'Restart'],
  ],
  down: [
    ['restart', 'Restart'],
    ['continue', 'Continue'],
  ],
};

function buttons(id, up, isBusy) {
  const one = ([action, label]) =>
    h(
      'button',
      {
        type: 'button',
        class: action === 'corrupt' ? 'risky' : undefined,
        'data-key': action,
        'data-replica': id,
        'data-action': action,
        'aria-disabled': isBusy ? 'true' : undefined,
      },
      label,
      h('span', { class: 'unseen' }, ` replica ${id}`),
    );
  return h('p', { class: 'buttons' }, ...(up ? BUTTONS.up : BUTTONS.down).map(one));
}

const commandBox = ({ id, commands }) =>
  h(
    'details',
    { class: 'type', 'data-key': `type-${id}` },
    h('summary', {}, 'Commands to type'),
    ...commands.map((command) => h('code', {}, command)),
    h('p', { class: 'fine' }, 'A replica that lies can be had with npm run demo only: these containers run the honest program.'),
  );

// --- the timeline ---------------------------------------------------------------------------------------------------------

export function timeline(view) {
  if (view === undefined)
    return [
      h('p', { class: 'empty' }, 'When a trip is booked, every message of it appears here with its signer and its certificate.'),
    ];
  const { title, activity, lines, omitted } = view;
  return [
    h('p', { class: 'about' }, h('strong', {}, title), ' ', h('code', {}, activity)),
    h(
      'p',
      { class: 'legend' },
      h(
        'span',
        {},
        h('span', { class: 'vote certain', 'aria-hidden': 'true' }, '1'),
        'two replicas or more hold its signed vote',
      ),
      h('span', {}, h('span', { class: 'vote claimed', 'aria-hidden': 'true' }, '1'), 'one says so'),
      h(
        'span',
        {},
        h('span', { class: 'vote none', 'aria-hidden': 'true' }, '1'),
        'not in the certificate: three votes are enough',
      ),
    ),
    lines.length === 0
      ? h('p', { class: 'empty' }, 'No replica shows this activity now.')
      : h('ol', { class: 'lines' }, ...lines.map(timelineLine)),
    omitted > 0 && h('p', { class: 'fine' }, `${omitted} more are not shown.`),
  ].filter(Boolean);
}

const timelineLine = ({ kind, message, says, signer, note, votes, votesSay }) =>
  h(
    'li',
    { class: kind },
    h(
      'div',
      { class: 'what' },
      h('p', {}, says),
      h('p', { class: 'fine' }, h('code', {}, message), ` ${kind === 'request' ? 'signed by' : 'sent by'} ${signer}`),
      note !== undefined && h('p', { class: 'note' }, note),
    ),
    h(
      'p',
      { class: 'votes', title: votesSay },
      ...votes.map((vote, index) => h('span', { class: `vote ${vote}`, 'aria-hidden': 'true' }, String(index + 1))),
      h('span', { class: 'unseen' }, votesSay),
    ),
  );
