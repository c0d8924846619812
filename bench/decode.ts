// Decoding security messages: against JSON.parse with ajv and the flatbuffers package, and bombs against honest messages.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ByteBuffer } from 'flatbuffers';
import { ConnectionTable } from '../shared/domain/telemetry/connection-table.ts';
import type { DeviceMessage } from '../shared/domain/telemetry/device-message.ts';
import { decodeMessage } from '../shared/format/device-message/decode-message.ts';
import {
  newMessageFacts,
  readConnections,
} from '../shared/format/device-message/read-connections.ts';
import { encodeMessage } from '../tests/format/device-message/support/encode-message.ts';
import { readWithAjv, readWithFlatbuffers } from './support/decode-peers.ts';
import { jsonOf, messageWith, sharedMessage } from './support/device-messages.ts';

const HELP = `usage: node bench/decode.ts [--rounds N]

Times readConnections on messages of 10 and 100 connections against JSON.parse + ajv and against the flatbuffers package
with reused objects; every contender fills the same table, and the tables are checked equal. Then times messages that
share their parts to look larger than they are, against honest messages of their size.
A time is the best of N rounds (default 25) in which the contenders take turns of 40 ms. Ratios are what counts.`;

const FIXTURES = new URL('../tests/fixtures/micro-agent/', import.meta.url);
const MESSAGES = 64; // a power of two

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '25' }, help: { type: 'boolean' } },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const rounds = Number(values.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1)
  throw new Error(`--rounds ${values.rounds}: a number from 1`);

const table = new ConnectionTable();
const facts = newMessageFacts();

/** Bodies as a host hands them over: at any byte of a larger buffer. */
function received(body: Uint8Array): Buffer {
  const frame = Buffer.alloc(body.length + 7);
  frame.set(body, 5);
  return frame.subarray(5, 5 + body.length);
}

/**
 * A contender runs this long before the next one has its turn: a stream of messages does not meet a JSON parser after each
 * thousand.
 */
const BLOCK_MS = 40;

/** Microseconds a call, best of the rounds: what a neighbour on the machine takes is nobody's cost. The contenders take turns. */
function time(contenders: readonly ((turn: number) => void)[]): number[] {
  const samples = contenders.map((): number[] => []);
  const calls = contenders.map((run) => Math.ceil((BLOCK_MS * 1000) / block(run, 2000)));
  for (let round = 0; round < rounds; round++) {
    for (const [i, run] of contenders.entries()) samples[i]!.push(block(run, calls[i]!));
  }
  return samples.map((values) => Math.min(...values));
}

function block(run: (turn: number) => void, calls: number): number {
  const start = process.hrtime.bigint();
  for (let call = 0; call < calls; call++) run(call & (MESSAGES - 1));
  return Number(process.hrtime.bigint() - start) / 1000 / calls;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Heap bytes a call, over so few calls that the collector does not run in between. */
function allocated(run: (turn: number) => void): number {
  const calls = 200;
  const samples = Array.from({ length: 9 }, () => {
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (let call = 0; call < calls; call++) run(call & (MESSAGES - 1));
    return (process.memoryUsage().heapUsed - before) / calls;
  });
  return samples.toSorted((a, b) => a - b)[4]!;
}

function snapshot(): unknown {
  const { count } = table;
  const columns = [table.family, table.localPort, table.remotePort, table.bytesIn, table.bytesOut];
  return {
    facts: { ...facts },
    rows: [...columns, table.protocol].map((column) => [...column.subarray(0, count)]),
    addresses: [table.local, table.remote].map((words) => [...words.subarray(0, 4 * count)]),
  };
}

function compare(name: string, messages: readonly DeviceMessage[], bodies: readonly Uint8Array[]) {
  const turns = Array.from({ length: MESSAGES }, (_, i) => i % bodies.length);
  const buffers = turns.map((i) => received(bodies[i]!));
  const texts = turns.map((i) => jsonOf(messages[i]!));
  const reused = new ByteBuffer(buffers[0]!);
  const reusedBytes = reused as unknown as { bytes_: Uint8Array }; // private in the types
  const runs = [
    (turn: number) => {
      table.count = 0;
      return readConnections(buffers[turn]!, table, facts) === null;
    },
    (turn: number) => {
      table.count = 0;
      reusedBytes.bytes_ = buffers[turn]!;
      return readWithFlatbuffers(reused, table, facts);
    },
    (turn: number) => {
      table.count = 0;
      return readWithAjv(texts[turn]!, table, facts);
    },
  ];
  for (const turn of turns) {
    const [own, ...others] = runs.map((run) => {
      assert.ok(run(turn));
      return snapshot();
    });
    for (const other of others) assert.deepEqual(other, own);
  }
  const [own, flatbuffers, ajv] = time(runs) as [number, number, number];
  const bytes = runs.map(allocated);
  const row = (what: string, us: number, i: number) =>
    console.log(
      `  ${what.padEnd(24)} ${us.toFixed(3).padStart(8)} us  ${(1 / us).toFixed(2).padStart(6)} M msg/s ` +
        `${(us / own).toFixed(1).padStart(6)} x  ${bytes[i]!.toFixed(0).padStart(6)} B allocated`,
    );
  console.log(`${name}: ${buffers[0]!.length} B, JSON ${texts[0]!.length} B; results equal`);
  row('readConnections', own, 0);
  row('flatbuffers, reused', flatbuffers, 1);
  row('JSON.parse + ajv', ajv, 2);
}

/** An honest message of about that many bytes. */
function honest(bytes: number): Uint8Array {
  let connections = 1;
  while (encodeMessage(messageWith(connections * 2, 1)).length < bytes) connections *= 2;
  let step = connections;
  for (; step >= 1; step /= 2) {
    if (encodeMessage(messageWith(connections + step, 1)).length <= bytes) connections += step;
  }
  return encodeMessage(messageWith(connections, 1));
}

function costOf(name: string, body: Uint8Array): void {
  const peer = honest(body.length);
  const [bomb, fair] = [received(body), received(peer)];
  const verdict = readConnections(bomb, table, facts) ?? `${facts.ipv4Connections} rows`;
  const read = (bytes: Uint8Array) => () => {
    table.count = 0;
    readConnections(bytes, table, facts);
  };
  const decode = (bytes: Uint8Array) => () => void decodeMessage(bytes);
  const [own, honestOwn] = time([read(bomb), read(fair)]) as [number, number];
  const [tree, honestTree] = time([decode(bomb), decode(fair)]) as [number, number];
  console.log(
    `  ${name.padEnd(24)} ${String(body.length).padStart(6)} B  ${verdict.padEnd(11)} ` +
      `${own.toFixed(2).padStart(7)} us against ${honestOwn.toFixed(2)} us; ` +
      `as a tree ${tree.toFixed(1)} us against ${honestTree.toFixed(1)} us`,
  );
}

/** The most rows that sharing may add to a message of one event and stay within the budget. */
function largestShared(): Uint8Array {
  let rows = 1;
  while (
    'message' in decodeMessage(encodeMessage(sharedMessage(2, rows + 1), { shareTables: true }))
  )
    rows++;
  return encodeMessage(sharedMessage(2, rows), { shareTables: true });
}

for (const connections of [10, 100]) {
  const messages = Array.from({ length: MESSAGES }, (_, seed) => messageWith(connections, seed));
  const bodies = messages.map((message) => encodeMessage(message, { omitEmpty: true }));
  compare(`${connections} TCP connections, system information, heartbeat`, messages, bodies);
}
for (const name of ['ser-typical-10conn', 'dev-02-00']) {
  const message = JSON.parse(
    readFileSync(new URL(`${name}.json`, FIXTURES), 'utf8'),
  ) as DeviceMessage;
  compare(
    `${name} (10 connections, mixed)`,
    [message],
    [readFileSync(new URL(`${name}.bin`, FIXTURES))],
  );
}
console.log('Messages that share their parts, each against an honest message of its size:');
for (const name of ['net-300x300', 'net-2000x2000', 'string-2000x3x8k', 'log-500x500x1k']) {
  costOf(`bomb-${name}`, readFileSync(new URL(`bomb-${name}.bin`, FIXTURES)));
}
costOf('within the budget', largestShared());
