// A participant of its own process, to be killed. It says on stdout, line by line, what happens: where it listens, which handler
// begins, what has ended. Arguments: the built client, the cluster's folder, the database, the port, the context as XML, and
// `hang` if the close handler is not to come to its end.
import { writeSync } from 'node:fs';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const [built, dir, store, port, xml, mode] = process.argv.slice(2);
const { contextFromXml, loadClientKeys, Participant } = await import(pathToFileURL(built).href);
const { parseCanonical } = await import(pathToFileURL(built.replace(/client\/index\.js$/, 'soap/index.js')).href);

// Not process.stdout.write: the line must be out before anything else happens.
const say = (line) => writeSync(1, `${line}\n`);
const participant = await Participant.open({
  cluster: dir,
  credentials: loadClientKeys(dir, 'participant'),
  store,
  listen: { host: '127.0.0.1', port: Number(port) },
  limits: { retryMinMs: 5, retryMaxMs: 20, roundPauseMinMs: 5, roundPauseMaxMs: 20 },
  handlers: {
    close: async () => {
      say('close begins');
      if (mode === 'hang') await new Promise(() => undefined);
    },
    cancel: async () => say('cancel begins'),
    compensate: async () => say('compensate begins'),
  },
});
say(`listening ${participant.url}`);
const enrollment = await participant.register(contextFromXml(parseCanonical(xml)), {
  key: 'booking-17',
  protocol: 'ParticipantCompletion',
});
say('registered');
await enrollment.completed();
say('completed');
const { by } = await enrollment.ended();
say(`ended by ${by}`);
