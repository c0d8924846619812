import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { EventType, type HistoryEvent } from '../../../../local/host/durable/history.ts';
import { InstanceStore } from '../../../../local/host/durable/store.ts';
import type { Program, Tree } from '../../../fixtures/host-app/durable/program.ts';
import { on } from '../../../fixtures/host-app/probe.ts';
import { appDirectory } from '../support.ts';
import { Harness } from './harness.ts';

let directory: string;
before(async () => void (directory = await mkdtemp(join(tmpdir(), 'host-durable-'))));
after(async () => rm(directory, { recursive: true, maxRetries: 3 }));

const leaf = (id: string): Tree => ({ kind: 'activity', id, failures: 0 });
const retried = (id: string): Tree => ({
  kind: 'retried',
  id,
  failures: 1,
  attempts: 5,
  firstRetryMilliseconds: 20,
  backoff: 1,
});
const program = (id: string, ...steps: Tree[]): Program => ({
  id,
  steps,
  cancelsTimers: false,
  fails: false,
});
const child = (given: Program): Tree => ({ kind: 'program', id: given.id, program: given });
const all = (...members: Tree[]): Tree => ({ kind: 'all', members });

/** Its result does not depend on the order in which anything comes. */
const BOOK = program(
  'book',
  all(leaf('a'), retried('b'), child(program('part', leaf('c'), all(leaf('d'), leaf('e')))), {
    kind: 'timer',
    id: 't',
    milliseconds: 30,
  }),
  all(leaf('f'), child(program('end', leaf('g'))), leaf('h')),
  leaf('i'),
);
const RESULT = [['a', 'b', ['c', ['d', 'e']], 'fired'], ['f', ['g'], 'h'], 'i'];

/** The leaves whose completion the store has. */
function leavesDone(store: InstanceStore): string[] {
  return [...store.all()].flatMap(({ history, inbox }) => {
    const events = [...history, ...inbox.map(({ event }) => event)];
    return events.flatMap((event) => {
      if (event.EventType !== EventType.TaskCompleted) return [];
      const scheduled = events.find(({ EventId }) => EventId === event.TaskScheduledId);
      assert.equal(scheduled?.EventType, EventType.TaskScheduled);
      return [JSON.parse(scheduled.Input!).id as string];
    });
  });
}

function assertNothingTwice(history: readonly HistoryEvent[]): void {
  const ids = history.filter(({ EventId }) => EventId >= 0).map(({ EventId }) => EventId);
  const answers = history.flatMap((event) =>
    'TaskScheduledId' in event
      ? [event.TaskScheduledId]
      : event.EventType === EventType.TimerFired
        ? [event.TimerId]
        : [],
  );
  assert.deepEqual([...new Set(ids)], ids);
  assert.deepEqual([...new Set(answers)], answers);
}

/** Runs what the store holds to its end; tells which leaves ran. */
async function finish(store: InstanceStore): Promise<string[]> {
  const runs: string[] = [];
  const failed = new Set<string>();
  on('leaf', (tree: Extract<Tree, { kind: 'retried' }>) => {
    runs.push(tree.id);
    if (tree.failures > 0 && !failed.has(tree.id)) {
      failed.add(tree.id);
      throw new Error('the first time in this process');
    }
    return tree.id;
  });
  const host = Harness.virtual(store);
  await host.engine.settled();
  if (store.get('root') === undefined) host.start('interpret', 'root', BOOK);
  for (let i = 0; i < 10; i++) await host.advance(50);
  assert.deepEqual(host.status('root').output, RESULT);
  for (const { history, inbox } of store.all()) {
    assertNothingTwice(history);
    assert.deepEqual(inbox, []);
  }
  host.abandon();
  return runs;
}

describe('a task hub with a directory', () => {
  it('goes on from every commit, and runs nothing again whose result it has', async () => {
    const first = join(directory, 'first');
    assert.equal((await finish(InstanceStore.open(first))).sort().join(''), 'abbcdefghi');
    const journal = readFileSync(join(first, 'task-hub.jsonl'), 'utf8');
    const lines = journal.split('\n').slice(0, -1);
    assert.ok(lines.length > 20, `${lines.length} commits`);
    for (const [index] of lines.entries()) {
      const cut = join(directory, `cut-${index}`);
      mkdirSync(cut);
      const whole = lines.slice(0, index).map((line) => `${line}\n`);
      // The commit that the process was writing when it died.
      const torn = lines[index]!.slice(0, (index * 37) % lines[index]!.length);
      writeFileSync(join(cut, 'task-hub.jsonl'), whole.join('') + torn);
      const store = InstanceStore.open(cut);
      const done = leavesDone(store);
      const runs = await finish(store);
      assert.deepEqual(
        runs.filter((id) => done.includes(id)),
        [],
      );
    }
  });

  it('goes on after it was killed, again and again', { timeout: 60_000 }, async () => {
    const killed = join(directory, 'killed');
    mkdirSync(killed);
    writeFileSync(join(killed, 'runs'), '');
    const runs = () => readFileSync(join(killed, 'runs'), 'utf8').split('\n').length - 1;
    const steady = JSON.stringify(BOOK).replaceAll('"failures":1', '"failures":0');
    // Each life ends some leaves after it has begun; the last one ends by itself.
    for (const life of [1, 2, 1, 3, 1]) {
      const process = host(killed, steady);
      const until = runs() + life;
      const ended = ending(process);
      while (runs() < until && process.exitCode === null) await wait(1);
      process.kill('SIGKILL');
      await ended;
    }
    const last = host(killed, steady);
    let output = '';
    last.stdout!.on('data', (data) => void (output += data));
    await ending(last);
    const { runtimeStatus, output: result } = JSON.parse(output);
    assert.deepEqual([runtimeStatus, result], ['Completed', RESULT]);
    const store = InstanceStore.open(join(killed, 'hub'));
    for (const { history } of store.all()) assertNothingTwice(history);
    store.close();
  });
});

function host(stateDirectory: string, given: string): ChildProcess {
  const script = appDirectory('durable-process.ts');
  return spawn(process.execPath, [script, stateDirectory, given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function ending(process: ChildProcess): Promise<void> {
  await new Promise((resolve) => process.once('close', resolve));
}
