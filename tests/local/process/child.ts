// The other side of process.test.ts: a child that does as its argument says.
import process from 'node:process';
import { announce } from '../../../local/child.ts';
import { startChild } from '../../../local/process.ts';

const [mode] = process.argv.slice(2);
// Something to live for besides stdin.
const alive = setInterval(() => undefined, 1000);

switch (mode) {
  case 'serve':
    process.stdout.write(`env ${process.env['GREETING'] ?? ''}\n`);
    announce({ port: 4711 }, async () => {
      process.stdout.write('closed in order\n');
      clearInterval(alive);
    });
    break;
  case 'close fails':
    announce({}, () => Promise.reject(new Error('could not save')));
    break;
  case 'hang':
    announce({}, () => new Promise(() => undefined));
    break;
  case 'silent':
    process.stderr.write('still looking for something\n');
    break;
  case 'crash':
    throw new Error('no such folder');
  case 'parent': {
    const child = await startChild({
      name: 'grandchild',
      entry: import.meta.filename,
      args: ['serve'],
    });
    announce({ grandchild: child.pid }, () => child.stop());
    break;
  }
  default:
    throw new Error(`no mode ${mode}`);
}
