import { el, NS } from '../../../src/soap/index.js';
import { ALL_RULES, type Rules } from '../../../src/wsba/rules/index.js';
import { createMachine } from '../../../src/wsba/index.js';
import type { Tamper } from '../replica-node.js';
import type { Mutant } from './mutant.js';

const without =
  (rule: keyof typeof ALL_RULES): Tamper =>
  (ports) => {
    const rules: Rules = Object.fromEntries(Object.entries(ALL_RULES).filter(([name]) => name !== rule));
    return { ...ports, machine: createMachine(rules) };
  };

/** The state machine, what it is given, and what follows from it. */
export const SERVICE_MUTANTS: readonly Mutant[] = [
  { name: 'hold-off', about: 'a message that is not legal yet is refused at once', replica: without('hold') },
  { name: 'explicit-set-off', about: 'a close concerns whoever is there', replica: without('explicitSet') },
  { name: 'late-registration-off', about: 'who comes after a decision is refused', replica: without('lateRegistration') },
  {
    name: 'digest-with-timestamp',
    about: 'the digest of a request depends on when it was signed',
    replica: (ports) => ({
      ...ports,
      security: {
        ...ports.security,
        verifier: (authorities, policy) => {
          const real = ports.security.verifier(authorities, policy);
          return {
            verify: (raw, now, trace) => {
              const message = real.verify(raw, now, trace);
              const mark = [{ ns: NS.wsa, name: 'IsReferenceParameter', value: 'true' }];
              return { ...message, headers: [...message.headers, el('urn:simulated', 'Signed', mark, String(message.created))] };
            },
          };
        },
      },
    }),
  },
  {
    name: 'commands-sent-once',
    about: 'a command that did not arrive is not repeated',
    replica: (ports) => {
      const sent = new Set<string>();
      return {
        ...ports,
        participants: (send) => (url, message, signal) => {
          const { messageId = '' } = message.addressing;
          if (sent.has(messageId)) return Promise.resolve({ kind: 'accepted' });
          sent.add(messageId);
          return send(url, message, signal);
        },
      };
    },
  },
];
