// The functions host as a process of its own: killed and started again, it goes on where the log says.
import { createServer } from 'node:net';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { announce, listen, parsePort } from '../child.ts';
import { type LocalCertificate, openCertificate } from '../tls/certificate.ts';
import { hostApp } from './host-app.ts';

const { values } = parseArgs({
  options: {
    hub: { type: 'string' },
    'http-port': { type: 'string' },
    'https-port': { type: 'string' },
    tls: { type: 'string' },
    timers: { type: 'string' },
    durable: { type: 'string' },
    settings: { type: 'string' },
    'max-batch': { type: 'string', default: '1000' },
    main: { type: 'string' },
  },
});
if (values.hub === undefined || values.settings === undefined) {
  throw new Error('--hub ADDRESS and --settings JSON are needed');
}
const httpPort = await freePort(parsePort(values['http-port']) ?? 7071);
// Only where a folder for the certificate is named.
const certificate: LocalCertificate | null =
  values.tls === undefined ? null : await openCertificate(values.tls, Date.now());
const options = {
  settings: JSON.parse(values.settings) as Record<string, string>,
  hubAddress: values.hub,
  eventHubs: { maxEventBatchSize: Number(values['max-batch']), minEventBatchSize: 1 },
  log: ({
    level,
    category,
    functionName,
    message,
  }: Parameters<Parameters<typeof hostApp>[0]['log']>[0]) => {
    if (level === 'trace' || level === 'debug') return;
    process.stderr.write(`${JSON.stringify({ level, category, functionName, message })}\n`);
  },
  ...(values.timers === undefined ? {} : { timerStateDirectory: values.timers }),
  ...(values.durable === undefined ? {} : { durableStateDirectory: values.durable }),
  ...(values.main === undefined ? {} : { main: values.main }),
};
const tls =
  certificate === null
    ? {}
    : { tls: { ...certificate, port: await tlsPort(parsePort(values['https-port']) ?? 7443) } };
const host = await hostApp({ ...options, ...tls, httpPort });
const { httpAddress, httpsAddress, functions } = host;
const certificateFile = certificate?.certificateFile ?? null;
announce({ httpAddress, httpsAddress, certificateFile, functions }, () => host.stop());

/** A free one is taken when it is listened on: a probe could find the port that the other listener is about to take. */
async function tlsPort(usual: number): Promise<number> {
  return usual === 0 ? 0 : freePort(usual);
}

/** The usual port, or any free one when it is taken: the host takes a port that is known. */
async function freePort(usual: number): Promise<number> {
  const probe = createServer();
  const port = await listen(probe, { asked: undefined, usual });
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
