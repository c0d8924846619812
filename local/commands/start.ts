import { existsSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { formatInstant } from '../../shared/domain/time/instant.ts';
import { PIECE_MS, alignedUp } from '../../shared/domain/window/window.ts';
import { playCapture } from '../capture/play-capture.ts';
import { AlertWatch } from '../console/alert-watch.ts';
import { ProgressLine } from '../console/progress-line.ts';
import { startFeedServer } from '../feeds/feed-server.ts';
import { loadFeeds, refreshServicesOf } from '../feeds/load-feeds.ts';
import { printable } from '../feeds/printable.ts';
import { loadFirstGroups, securityGroupsOf } from '../groups/load-groups.ts';
import { APP_DIRECTORY } from '../functions/host-app.ts';
import { type FunctionsProcess, startFunctions } from '../functions/start.ts';
import { type Platform, startPlatform } from '../platform.ts';
import { claimFolder, leaveFolder, noteRunning } from '../running.ts';
import { type Command, type CommandIo, UsageError, write } from './command.ts';

const SAMPLE = join(APP_DIRECTORY, 'local', 'samples', 'fleet');
const DEFAULT_SPEED = 360;

interface StartOptions {
  readonly directory: string;
  readonly port: number;
  readonly httpsPort: number;
  /** Security groups for a platform that never had any; null with a capture of somebody's own. */
  readonly groups: string | null;
  readonly capture: string | null;
  readonly feeds: string;
  readonly speed: number;
}

export const command: Command = {
  name: 'start',
  summary: 'the whole platform on this machine; plays the sample fleet and shows its alerts',
  usage: `start [--data DIR] [--capture FILE] [--feeds DIR] [--speed N] [--no-sample] [--port N] [--https-port N]

Starts the event hub, Blob Storage, Cosmos DB and the functions on this machine, plays a capture through them and shows
alerts as they open. Stays up afterwards; Ctrl-C stops everything. A restart on the same data goes on where it stood.

  --data DIR      where data stays (default: .threadwatch)
  --capture FILE  what is played (default: the sample fleet, two hours of 60 devices)
  --feeds DIR     threat feeds, one file each (default: those of the sample)
  --speed N       how many times faster than life the capture is played (default: ${DEFAULT_SPEED}); 0 is as fast as it goes
  --no-sample     play nothing
  --port N        of the management API (default: 7071, or a free one if it is taken)
  --https-port N  of the same under TLS, for clients that refuse plain http (default: 7443, or a free one)`,

  async run(args, io) {
    const options = parseOptions(args, io);
    if (options.capture !== null && !existsSync(options.capture)) {
      throw new Error(`there is no capture ${options.capture}`);
    }
    claimFolder(options.directory);
    try {
      return await start(options, io);
    } finally {
      leaveFolder(options.directory);
    }
  },
};

function parseOptions(args: readonly string[], io: CommandIo): StartOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: 'string', default: '.threadwatch' },
      capture: { type: 'string' },
      feeds: { type: 'string' },
      speed: { type: 'string', default: String(DEFAULT_SPEED) },
      'no-sample': { type: 'boolean', default: false },
      port: { type: 'string', default: '7071' },
      'https-port': { type: 'string' },
    },
  });
  const speed = Number(values.speed);
  if (!Number.isFinite(speed) || speed < 0) {
    throw new UsageError(`--speed must be a number from 0 on, not "${values.speed}"`);
  }
  const port = portOf('--port', values.port);
  const sample = values['no-sample'] ? null : join(SAMPLE, 'capture.ndjson.gz');
  return {
    directory: resolve(io.cwd, values.data),
    port,
    httpsPort: portOf('--https-port', values['https-port'] ?? (port === 0 ? '0' : '7443')),
    groups: values.capture === undefined && sample !== null ? join(SAMPLE, 'groups.json') : null,
    capture: values.capture === undefined ? sample : resolve(io.cwd, values.capture),
    feeds: values.feeds === undefined ? join(SAMPLE, 'feed') : resolve(io.cwd, values.feeds),
    speed,
  };
}

function portOf(option: string, text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new UsageError(`${option} must be a port number, not "${text}"`);
}

async function start(options: StartOptions, io: CommandIo): Promise<number> {
  const say = async (text: string) => write(io.stdout, `${text}\n`);
  const data = relative(io.cwd, options.directory) || '.';
  await say(`Threadwatch ${version()}, data in ${data}`);
  const platform = await startPlatform({
    directory: options.directory,
    partitionCount: 4,
    onStarted: (name, address) => void io.stdout.write(`  ${name.padEnd(14)}${address}\n`),
  });
  let functions: FunctionsProcess | null = null;
  const feedServer = await startFeedServer(() => options.feeds);
  try {
    const { feeds, indicators, leftOut } = await loadFeeds(
      refreshServicesOf(platform, systemClock),
      options.feeds,
      feedServer.origin,
    );
    const groups =
      options.groups === null
        ? null
        : await loadFirstGroups(securityGroupsOf(platform), options.groups, io);
    functions = await startFunctions({
      platform,
      // A few seconds after the fact, not a minute: somebody is looking.
      settings: {
        FoldSchedule: '*/5 * * * * *',
        FeedRefreshSchedule: '*/10 * * * * *',
        HuntSchedule: '*/5 * * * * *',
        WindowSchedule: '*/5 * * * * *',
      },
      httpPort: options.port,
      tls: { directory: join(options.directory, 'tls'), port: options.httpsPort },
      timerStateDirectory: join(options.directory, 'timers'),
      durableStateDirectory: join(options.directory, 'durable'),
      onLog: (line) => showTrouble(line, io),
    });
    const { httpAddress, httpsAddress, certificateFile } = functions.listening;
    const https = { address: httpsAddress!, certificateFile: certificateFile! };
    noteRunning(options.directory, { httpAddress, https, settings: platform.settings });
    await say(`  ${'functions'.padEnd(14)}${httpAddress}/api`);
    await say(`  ${'under TLS'.padEnd(14)}${httpsAddress}/api`);
    await say(`  ${'certificate'.padEnd(14)}${relative(io.cwd, https.certificateFile)}`);
    await say(`Threat feeds: ${feeds} with ${indicators.toLocaleString('en')} indicators`);
    for (const { name, reason } of leftOut) await say(printable(`  left out: ${name} (${reason})`));
    if (groups !== null) await say(`Security groups: ${groups}`);
    await Promise.race([
      show(options, platform, httpAddress, io),
      failure(platform, functions, io.signal),
    ]);
    return 0;
  } finally {
    if (io.signal.aborted) await say('\nStopping …');
    await functions?.stop();
    await feedServer.stop();
    await platform.stop();
    if (io.signal.aborted) await say('Stopped; the data stays.');
  }
}

async function show(
  options: StartOptions,
  platform: Platform,
  httpAddress: string,
  io: CommandIo,
): Promise<void> {
  const progress = new ProgressLine(io.stderr);
  const watch = new AlertWatch(httpAddress, io.stdout, progress, useColour(io));
  const watching = watch.run(io.signal);
  let playedUntil: number | null = null;
  if (options.capture !== null) {
    const pace = options.speed === 0 ? 'as fast as it goes' : `${options.speed} times life`;
    await write(
      io.stdout,
      `Playing ${relative(io.cwd, options.capture)}, ${pace}. Alerts as they open:\n\n`,
    );
    const started = Date.now();
    const { messages, alreadyHeld, last } = await playCapture(
      { ...options, capture: options.capture },
      platform,
      progress,
      io,
    );
    await watch.settled(io.signal);
    if (io.signal.aborted) return;
    progress.clear();
    const seconds = ((Date.now() - started) / 1000).toFixed(0);
    const held = alreadyHeld === messages ? ' (all of them held from before)' : '';
    await write(
      io.stdout,
      `\n${messages.toLocaleString('en')} messages in ${seconds} s${held}. ${watch.summary()}\n`,
    );
    if (messages > 0) playedUntil = alignedUp(last + 1, PIECE_MS);
  }
  await write(io.stdout, addresses(platform, httpAddress, playedUntil));
  while (!io.signal.aborted) await wait(60_000, undefined, { signal: io.signal }).catch(() => {});
  await watching;
}

/** Rejects when a part ends though nobody asked. */
async function failure(
  platform: Platform,
  functions: FunctionsProcess,
  signal: AbortSignal,
): Promise<void> {
  const ended = async () => {
    const { code, signal: killedBy } = await functions.exited;
    return `functions ended (${killedBy ?? `exit code ${code}`})`;
  };
  const reason = await Promise.race([platform.failed, ended()]);
  if (!signal.aborted) throw new Error(`${reason}; everything else is stopped too`);
}

function addresses(platform: Platform, httpAddress: string, playedUntil: number | null): string {
  const windows =
    playedUntil === null
      ? ''
      : `  windows        judged until ${formatInstant(playedUntil).slice(0, 16)}Z, the end of what was played; --no-sample judges without end\n`;
  return `
Everything stays up until Ctrl-C:
  alerts         ${httpAddress}/api/alerts
  feeds          ${httpAddress}/api/feeds
  groups         npx threadwatch groups list
${windows}  event hub      ${platform.hub.httpAddress} (AMQP: ${/sb:\/\/[^;]+/.exec(platform.hub.connectionString)?.[0]})
  blob storage   ${platform.blobs.blobEndpoint}
  cosmos db      ${platform.cosmos.endpoint}
  quarantine     npx threadwatch quarantine list
`;
}

/** Only what somebody should look at; the functions say much more. */
function showTrouble(line: string, io: CommandIo): void {
  let entry: { level?: string; functionName?: string; message?: string };
  try {
    entry = JSON.parse(line) as typeof entry;
  } catch {
    entry = { level: 'error', message: line };
  }
  if (entry.level !== 'warning' && entry.level !== 'error' && entry.level !== 'critical') return;
  io.stderr.write(
    `${entry.level}: ${printable(`${entry.functionName ?? 'host'}: ${entry.message}`)}\n`,
  );
}

function useColour(io: CommandIo): boolean {
  return 'isTTY' in io.stdout && io.stdout.isTTY === true && io.env['NO_COLOR'] === undefined;
}

function version(): string {
  const text = readFileSync(join(APP_DIRECTORY, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
