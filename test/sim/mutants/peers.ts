import { DEFAULT_BROADCAST_LIMITS, Votes } from '../../../src/bft/index.js';
import { decodeFrame, encodeFrame, type Frame } from '../../../src/bft/frames.js';
import type { Tamper } from '../replica-node.js';
import type { Mutant } from './mutant.js';

/** Frames that are sent otherwise; undefined: not at all. */
const sending =
  (change: (frame: Frame) => Frame | undefined): Tamper =>
  (ports, { world }) => ({
    ...ports,
    startPeerLinks: async (options) => {
      const real = await ports.startPeerLinks(options);
      return {
        ...real,
        send: (peer, bytes) => {
          const frame = decodeFrame(bytes, DEFAULT_BROADCAST_LIMITS, world.cluster.n);
          const changed = change(frame);
          if (changed === frame) return real.send(peer, bytes);
          return changed === undefined ? true : real.send(peer, encodeFrame(changed));
        },
      };
    },
  });

/** Agreement, certificates and totality. */
export const PEER_MUTANTS: readonly Mutant[] = [
  {
    name: 'echo-threshold-lower',
    about: 'n − f − 1 votes make a certificate',
    install: () => {
      const before = Object.getOwnPropertyDescriptor(Votes.prototype, 'quorum');
      if (before?.get === undefined) throw new Error('Votes has no quorum');
      Object.defineProperty(Votes.prototype, 'quorum', {
        ...before,
        get(this: Votes): number {
          return Number(before.get?.call(this)) - 1;
        },
      });
      return () => void Object.defineProperty(Votes.prototype, 'quorum', before);
    },
  },
  {
    name: 'certificate-not-checked',
    about: 'signatures of votes count unchecked',
    replica: (ports) => ({
      ...ports,
      security: { ...ports.security, voteVerifier: () => ({ verify: () => true }) },
    }),
  },
  {
    name: 'no-passing-on',
    about: 'replicas do not give each other what was delivered',
    replica: sending((frame) => (frame.type === 'log' || frame.type === 'found' || frame.type === 'vouch' ? undefined : frame)),
  },
  {
    name: 'rolled-back-trusted',
    about: 'peers do not tell a replica which of its votes they know, so it takes an older disk for its own',
    replica: sending((frame) => (frame.type === 'heard' ? { type: 'heard' } : frame)),
  },
  {
    name: 'digest-without-writer',
    about: 'the digest of a request leaves out who wrote it',
    source: {
      module: '/src/bft/request.js',
      from: 'export const digestOf = (content) =>',
      // Domain, cluster and writer come first, each after its length.
      to: `const afterWriter = (content) => {
  const bytes = Buffer.from(content);
  let at = 0;
  for (let i = 0; i < 3; i++) at += 4 + bytes.readUInt32BE(at);
  return bytes.subarray(at);
};
export const digestOf = (whole) => digestOfPart(afterWriter(whole));
const digestOfPart = (content) =>`,
    },
  },
];
