#!/usr/bin/env node
// Runs the pinned Node 24 with the arguments given, from any Node that users have (20.17 or later), and installs the
// dependencies first where they are missing or older than the lockfile. Plain JavaScript, no dependency: it runs before any exists.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, 'node_modules', '.threadwatch-installed');
const NEEDED_MAJOR = 24;

/**
 * @param {string} message what is wrong and how to mend it
 * @returns {never}
 */
function fail(message) {
  console.error(`threadwatch: ${message}`);
  process.exit(1);
}

/** What the installed tree was made from: a change of lockfile or machine means that it must be made again. */
function installStamp() {
  const lockfile = readFileSync(join(root, 'package-lock.json'));
  return `${createHash('sha256').update(lockfile).digest('hex')} ${process.platform} ${process.arch}\n`;
}

function installOnce() {
  const stamp = installStamp();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  console.error('threadwatch: installing dependencies (npm ci) …');
  // On Windows npm is a .cmd file, which spawn starts only through a shell; the arguments are constants.
  const install = spawnSync(
    'npm',
    ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' },
  );
  if (install.error)
    fail(`npm could not be started (${install.error.message}); install Node.js with npm`);
  if (install.status !== 0)
    fail('npm ci failed; its messages stand above. Fix the cause and run the command again');
  writeFileSync(stampFile, stamp);
}

/** The Node that the project is tested with: the packaged one, else the user's own if it is new enough. */
function findNode() {
  const packaged = join(
    root,
    'node_modules',
    'node',
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  );
  if (existsSync(packaged)) return packaged;
  if (Number(process.version.slice(1).split('.')[0]) >= NEEDED_MAJOR) return process.execPath;
  return fail(
    `Node ${NEEDED_MAJOR} or later is needed, this is ${process.version}, and npm did not install the optional package "node" ` +
      `(run "npm ci" without --omit=optional and with install scripts allowed, or install Node ${NEEDED_MAJOR})`,
  );
}

/**
 * Runs Node 24 with `nodeArguments` in the caller's folder and ends this process the way the child ended: same exit
 * code, or same signal.
 * @param {string[]} nodeArguments
 */
export function launch(nodeArguments) {
  installOnce();
  const node = findNode();
  const child = spawn(node, nodeArguments, {
    stdio: 'inherit',
    // What the child starts in turn finds the same Node and the installed tools first.
    env: {
      ...process.env,
      PATH: [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
    },
  });
  // The child decides when it is done, and this process waits for it. A terminal sends Ctrl-C to both: twice is once.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
    process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`${node} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name);
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 100);
  });
}

const invoked = process.argv[1];
if (invoked !== undefined && realpathSync(invoked) === fileURLToPath(import.meta.url)) {
  launch(process.argv.slice(2));
}
