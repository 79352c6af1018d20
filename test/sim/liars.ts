import { CodecError, DEFAULT_BROADCAST_LIMITS, type Digest, type Statement, Votes } from '../../src/bft/index.js';
import { decodeFrame, encodeFrame, type Frame } from '../../src/bft/frames.js';
import type { PeerLinks } from '../../src/peers/index.js';
import type { ReplicaPorts } from '../../src/replica/index.js';
import {
  child,
  type EdgeAnswer,
  eprFromXml,
  isElement,
  NS,
  type OutgoingMessage,
  referenceParameterHeaders,
} from '../../src/soap/index.js';
import type { XmlElement } from '../../src/soap/index.js';
import { decodeRegister, encodeNotification, readReferences } from '../../src/soap/messages/index.js';
import { commandId } from '../../src/wsba/index.js';
import type { ReplicaNode } from './replica-node.js';
import type { Fault } from './tally.js';

/** How a replica lies; it is the shipped one inside, with its own keys and nobody else's. */
export const LIES = [
  'silent replica',
  'slow replica',
  'equivocating echoes',
  'forged certificates',
  'stolen certificates',
  'wrong replies',
  'wrong commands',
  'false state transfer',
  'stale state transfer',
  'requests withheld',
] as const satisfies readonly Fault[];
export type Lie = (typeof LIES)[number];

type Certificates = Extract<Frame, { type: 'votes' }>['certificates'];

const FALSE_DIGEST = 'f0'.repeat(32) as Digest;
const SLOW_MS = 250;

/** Puts a lie around the ports of a replica. */
export function lie(kind: Lie, ports: ReplicaPorts, node: ReplicaNode): ReplicaPorts {
  const told = (): void => node.world.faults.add(kind);
  const links = (alter: (links: PeerLinks, peer: number, frame: Uint8Array) => boolean): ReplicaPorts => ({
    ...ports,
    startPeerLinks: async (options) => {
      const real = await ports.startPeerLinks(options);
      return { ...real, send: (peer, frame) => alter(real, peer, frame) };
    },
  });
  const answers = (alter: (answer: EdgeAnswer) => EdgeAnswer | Promise<EdgeAnswer>): ReplicaPorts => ({
    ...ports,
    startEdge: (options) => ports.startEdge({ ...options, handle: async (request) => alter(await options.handle(request)) }),
  });
  switch (kind) {
    case 'silent replica':
      return {
        ...links((_links, peer) => (told(), peer < 0)),
        startEdge: (options) => ports.startEdge({ ...options, handle: () => new Promise(() => undefined) }),
        participants: () => () => new Promise(() => undefined),
      };
    case 'slow replica':
      return links((real, peer, frame) => {
        told();
        const copy = Buffer.from(frame);
        ports.timers.after(node.world.random.below(SLOW_MS), () => real.send(peer, copy));
        return true;
      });
    case 'equivocating echoes':
      return links((real, peer, frame) => equivocate(node, real, peer, frame, told));
    case 'forged certificates':
      return links((real, peer, frame) => {
        const read = readFrame(node, frame);
        if (read?.type !== 'votes') return real.send(peer, frame);
        told();
        return real.send(
          peer,
          encodeFrame({ ...read, certificates: [...read.certificates, ...forge(node, read.batch.statements)] }),
        );
      });
    case 'stolen certificates':
      return stealing(node, ports, told);
    case 'wrong replies':
      return answers((answer) => {
        told();
        return answer.kind === 'reply' ? falsify(answer) : answer;
      });
    case 'wrong commands':
      return commanding(node, ports, told);
    case 'false state transfer':
      return links((real, peer, frame) => {
        const read = readFrame(node, frame);
        const altered = read && falseTransfer(read);
        if (altered === undefined) return real.send(peer, frame);
        told();
        return real.send(peer, encodeFrame(altered));
      });
    case 'stale state transfer':
      return staleTransfer(node, ports, told);
    case 'requests withheld':
      return links((real, peer, frame) => {
        const type = readFrame(node, frame)?.type;
        if (type !== 'pass-on' && type !== 'found' && type !== 'log' && type !== 'vouch') return real.send(peer, frame);
        told();
        return true;
      });
  }
}

function readFrame(node: ReplicaNode, frame: Uint8Array): Frame | undefined {
  try {
    return decodeFrame(frame, DEFAULT_BROADCAST_LIMITS, node.world.cluster.n);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

const otherwise = (statement: Statement): Statement => ({ ...statement, digest: FALSE_DIGEST });

function votesOf(node: ReplicaNode): { sign: (statements: readonly Statement[]) => Frame & { type: 'votes' } } {
  const { cluster, security } = node.world;
  const votes = new Votes({ cluster: cluster.config.cluster, n: cluster.n, f: cluster.f, verifier: security.votes });
  const signer = security.voteSigner(node.id);
  return { sign: (statements) => ({ type: 'votes', batch: votes.sign(node.id, signer, statements).batch, certificates: [] }) };
}

/**
 * Votes for whatever anybody votes for: half of the peers hear one thing, half another. It echoes back what each peer itself said,
 * so that two sides that hold different requests each count it.
 */
function equivocate(node: ReplicaNode, real: PeerLinks, peer: number, frame: Uint8Array, told: () => void): boolean {
  const read = readFrame(node, frame);
  if (read?.type !== 'votes') return real.send(peer, frame);
  told();
  const { sign } = votesOf(node);
  const { statements } = read.batch;
  if (peer % 2 === 0) real.send(peer, frame);
  const next = statements.map((statement) => ({ ...statement, number: statement.number + 1 }));
  for (const lies of [statements.map(otherwise), next]) real.send(peer, encodeFrame(sign(lies)));
  return true;
}

/** Certificates of which all but its own vote are made up. */
function forge(node: ReplicaNode, statements: readonly Statement[]): Certificates {
  const { n, f } = node.world.cluster;
  return statements.slice(0, 1).map((statement) => ({
    ...otherwise(statement),
    attestations: Array.from({ length: n - f }, (_, i) => ({
      replica: i + 1,
      index: 0,
      path: [],
      signature: node.world.random.bytes(32),
    })),
  }));
}

/** True certificates of other positions and requests, put where they do not belong. */
function stealing(node: ReplicaNode, ports: ReplicaPorts, told: () => void): ReplicaPorts {
  const seen: Certificates[number][] = [];
  return {
    ...ports,
    startPeerLinks: async (options) => {
      const real = await ports.startPeerLinks({
        ...options,
        onFrame: (from, frame) => {
          const read = readFrame(node, frame);
          if (read?.type === 'votes') seen.push(...read.certificates);
          if (read?.type === 'found')
            for (const { certificate } of read.items) if (certificate !== undefined) seen.push(certificate);
          if (seen.length > 8) seen.splice(0, seen.length - 8);
          options.onFrame(from, frame);
        },
      });
      return {
        ...real,
        send: (peer, frame) => {
          const read = readFrame(node, frame);
          const [stolen] = seen;
          const [statement] = read?.type === 'votes' ? read.batch.statements : [];
          if (read?.type !== 'votes' || stolen === undefined || statement === undefined) return real.send(peer, frame);
          told();
          const { attestations } = stolen;
          const misplaced = [
            { ...otherwise(statement), attestations },
            { ...statement, number: statement.number + 1, attestations },
          ];
          // In a frame of its own: the true votes arrive as well.
          real.send(peer, encodeFrame({ ...votesOf(node).sign([]), certificates: misplaced }));
          return real.send(peer, frame);
        },
      };
    },
  };
}

// --- to clients ---------------------------------------------------------------------------------------------------

const FALSE_TEXTS: ReadonlyMap<string, string> = new Map([
  [`${NS.wsa} Address`, 'http://nowhere'],
  [`${NS.wscoor} Identifier`, 'urn:uuid:00000000-0000-8000-8000-000000000000'],
  [`${NS.concordat} Activity`, 'urn:uuid:00000000-0000-8000-8000-000000000000'],
  [`${NS.wsba} State`, 'wsba:Completed'],
  [`${NS.concordat} EndedBy`, 'Fail'],
  [`${NS.concordat} Decision`, 'undecided'],
]);

const falsify = (answer: EdgeAnswer & { kind: 'reply' }): EdgeAnswer => ({
  ...answer,
  message: { ...answer.message, body: falseTree(answer.message.body) },
});

function falseTree(element: XmlElement): XmlElement {
  const text = FALSE_TEXTS.get(`${element.ns} ${element.name}`);
  const children = text === undefined ? element.children.map((node) => (isElement(node) ? falseTree(node) : node)) : [text];
  return { ...element, children };
}

const FORGED = ['Close', 'Cancel', 'Compensate', 'Complete'] as const;

/** Tells participants, as soon as it hears of them, what nobody decided. */
function commanding(node: ReplicaNode, ports: ReplicaPorts, told: () => void): ReplicaPorts {
  let send: Parameters<ReplicaPorts['participants']>[0] | undefined;
  const forgeTo = (url: string, like: OutgoingMessage, activity: string, participant: string): void => {
    for (const command of FORGED) {
      told();
      const action = `${NS.wsba}/${command}`;
      const addressing = { ...like.addressing, to: url, action, messageId: commandId(activity, participant, command) };
      const message = { ...like, addressing, body: encodeNotification(command) };
      send?.(url, message, new AbortController().signal).catch(() => undefined);
    }
  };
  return {
    ...ports,
    participants: (real) => {
      send = real;
      return async (url, message, signal) => {
        const { activity, participant } = readReferences(message.addressing.from?.referenceParameters ?? []);
        if (activity !== undefined && participant !== undefined) forgeTo(url, message, activity, participant);
        return node.world.random.chance(0.5) ? real(url, message, signal) : { kind: 'accepted' };
      };
    },
    startEdge: (options) =>
      ports.startEdge({
        ...options,
        handle: async (request) => {
          const answer = await options.handle(request);
          const { body } = request.message;
          if (answer.kind !== 'reply' || body.name !== 'Register') return answer;
          const service = decodeRegister(body).participantProtocolService;
          const coordinator = child(answer.message.body, NS.wscoor, 'CoordinatorProtocolService');
          if (service === undefined || coordinator === undefined) return answer;
          const from = eprFromXml(coordinator);
          const { activity, participant } = readReferences(from.referenceParameters);
          if (activity === undefined || participant === undefined) return answer;
          const headers = referenceParameterHeaders(service);
          forgeTo(
            service.address,
            { soapVersion: '1.1', addressing: { action: '', from }, headers, body },
            activity,
            participant,
          );
          return answer;
        },
      }),
  };
}

// --- state transfer -----------------------------------------------------------------------------------------------

function falseTransfer(frame: Frame): Frame | undefined {
  switch (frame.type) {
    case 'log':
      if (frame.entries.length === 0) return undefined;
      return {
        ...frame,
        entries: frame.entries.map((entry) =>
          entry.kind === 'delivery' ? { ...entry, digest: FALSE_DIGEST } : { ...entry, hash: FALSE_DIGEST },
        ),
      };
    case 'found':
      return { ...frame, items: frame.items.map(({ content, certificate }) => ({ content: swapped(content), certificate })) };
    case 'vouch':
      return {
        ...frame,
        items: frame.items.map((item) => ({ ...item, hash: FALSE_DIGEST, record: item.record && swapped(item.record) })),
      };
    case 'heard':
      return { type: 'heard' };
    default:
      return undefined;
  }
}

/** The same with one letter of a name changed: a writer's, for instance. */
function swapped(content: Uint8Array): Buffer {
  const copy = Buffer.from(content);
  const at = copy.indexOf('CN=');
  const letter = at === -1 ? copy.length - 1 : at + 'CN='.length;
  copy[letter] = (copy[letter] ?? 0) ^ 1;
  return copy;
}

/** Says today what it said long ago. */
function staleTransfer(node: ReplicaNode, ports: ReplicaPorts, told: () => void): ReplicaPorts {
  const old = new Map<string, Buffer>();
  return {
    ...ports,
    startPeerLinks: async (options) => {
      const real = await ports.startPeerLinks(options);
      return {
        ...real,
        send: (peer, frame) => {
          const type = readFrame(node, frame)?.type;
          if (type !== 'log' && type !== 'found' && type !== 'heard' && type !== 'vouch') return real.send(peer, frame);
          const key = `${type} ${peer}`;
          const first = old.get(key);
          if (first === undefined) {
            old.set(key, Buffer.from(frame));
            return real.send(peer, frame);
          }
          told();
          return real.send(peer, first);
        },
      };
    },
  };
}
