// What a task hub remembers: its instances, their histories, and the messages that wait for them. In memory, and in a
// journal if it has a directory: one line of JSON per commit, so a commit is there whole or not at all.
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import {
  EventType,
  type HistoryEvent,
  historyEvent,
  isoTime,
  NO_ID,
  parentInstance,
  STATUSES,
} from './history.ts';

const head = z.object({
  instanceId: z.string(),
  executionId: z.string(),
  /** As the orchestrator was called. */
  name: z.string(),
  version: z.string(),
  /** JSON text, as `output` and `customStatus`. */
  input: z.string().nullable(),
  createdAt: z.int(),
  parent: parentInstance.nullable(),
});
const state = z.object({
  status: z.enum(STATUSES),
  output: z.string().nullable(),
  customStatus: z.string().nullable(),
  updatedAt: z.int(),
});
const message = z.object({
  /** Unique in the hub, and rising. */
  number: z.int(),
  /** Null for whichever execution is the current one. */
  executionId: z.string().nullable(),
  event: historyEvent,
});

const change = z.discriminatedUnion('op', [
  /** A new execution, in place of any that the id had before. */
  z.object({ op: z.literal('begin'), head, state }),
  z.object({ op: z.literal('set'), instanceId: z.string(), state }),
  z.object({ op: z.literal('append'), instanceId: z.string(), events: z.array(historyEvent) }),
  z.object({ op: z.literal('send'), instanceId: z.string(), message }),
  z.object({ op: z.literal('take'), instanceId: z.string(), numbers: z.array(z.int()) }),
  z.object({ op: z.literal('purge'), instanceId: z.string() }),
]);
export type Change = z.output<typeof change>;
export type Head = Readonly<z.output<typeof head>>;
export type InstanceState = Readonly<z.output<typeof state>>;
export type Message = Readonly<z.output<typeof message>>;

export interface Instance extends Head {
  readonly state: InstanceState;
  readonly history: readonly HistoryEvent[];
  /** In order of arrival; their events are not in the history yet. */
  readonly inbox: readonly Message[];
}

type StoredInstance = z.output<typeof head> & {
  state: InstanceState;
  history: HistoryEvent[];
  inbox: Message[];
};

const JOURNAL = 'task-hub.jsonl';
/** A journal that has grown by this much, and to several times of what it says, is written afresh. */
const COMPACT_AFTER_BYTES = 16 * 1024 * 1024;

export class InstanceStore {
  readonly #path: string | null;
  readonly #instances = new Map<string, StoredInstance>();
  #file: number | null = null;
  #closed = false;
  #bytesAtStart = 0;
  #bytesAdded = 0;
  #lastNumber = 0;

  /** In memory only if the directory is null. */
  static open(directory: string | null): InstanceStore {
    const store = new InstanceStore(directory === null ? null : join(directory, JOURNAL));
    if (directory === null) return store;
    mkdirSync(directory, { recursive: true });
    store.#load();
    store.#rewrite();
    return store;
  }

  private constructor(path: string | null) {
    this.#path = path;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get(instanceId: string): Instance | undefined {
    return this.#instances.get(instanceId);
  }

  all(): Iterable<Instance> {
    return this.#instances.values();
  }

  /** The change that puts a message into an inbox; with an execution id it is for that execution alone. */
  sending(instanceId: string, executionId: string | null, event: HistoryEvent): Change {
    const number = ++this.#lastNumber;
    return { op: 'send', instanceId, message: { number, executionId, event } };
  }

  /** The changes that put a new execution in place of any that the id had before, with the message that starts it. */
  beginning(
    given: Omit<Head, 'executionId'>,
    state: Omit<InstanceState, 'output' | 'updatedAt'>,
  ): Change[] {
    const { instanceId, name, version, input, createdAt, parent } = given;
    const executionId = randomUUID().replaceAll('-', '');
    return [
      {
        op: 'begin',
        head: { ...given, executionId },
        state: { ...state, output: null, updatedAt: createdAt },
      },
      this.sending(instanceId, executionId, {
        EventType: EventType.ExecutionStarted,
        EventId: NO_ID,
        Timestamp: isoTime(createdAt),
        Name: name,
        Version: version,
        Input: input,
        OrchestrationInstance: { InstanceId: instanceId, ExecutionId: executionId },
        ParentInstance: parent,
        Tags: null,
      }),
    ];
  }

  /**
   * All of the changes, or none if this throws or the process dies. Synchronous, so that nothing comes between what was
   * decided and its record. The process may die at any point; after a failure of the machine the last commits may be missing.
   */
  commit(changes: readonly Change[]): void {
    if (this.#closed) throw new Error('the task hub is closed');
    if (this.#file !== null) {
      const line = `${JSON.stringify(changes)}\n`;
      writeFileSync(this.#file, line);
      this.#bytesAdded += line.length;
    }
    for (const change of changes) this.#apply(change);
    if (this.#bytesAdded > Math.max(COMPACT_AFTER_BYTES, 4 * this.#bytesAtStart)) this.#rewrite();
  }

  close(): void {
    this.#closed = true;
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #apply(change: Change): void {
    if (change.op === 'begin') {
      const { instanceId } = change.head;
      const { state } = change;
      this.#instances.set(instanceId, { ...change.head, state, history: [], inbox: [] });
      return;
    }
    const instance = this.#instances.get(change.instanceId);
    if (instance === undefined) throw new Error(`there is no instance "${change.instanceId}"`);
    switch (change.op) {
      case 'set':
        instance.state = change.state;
        break;
      case 'append':
        instance.history.push(...change.events);
        break;
      case 'send':
        instance.inbox.push(change.message);
        break;
      case 'take': {
        const taken = new Set(change.numbers);
        instance.inbox = instance.inbox.filter(({ number }) => !taken.has(number));
        break;
      }
      case 'purge':
        this.#instances.delete(change.instanceId);
        break;
    }
  }

  #load(): void {
    if (this.#path === null || !existsSync(this.#path)) return;
    const lines = readFileSync(this.#path, 'utf8').split('\n');
    // What follows the last line feed is nothing, or a commit that the process did not live to finish.
    lines.pop();
    for (const [index, line] of lines.entries()) {
      try {
        for (const read of z.array(change).parse(JSON.parse(line))) {
          this.#apply(read);
          if (read.op === 'send')
            this.#lastNumber = Math.max(this.#lastNumber, read.message.number);
        }
      } catch (cause) {
        const { message } = cause as Error;
        throw new Error(`${this.#path}, line ${index + 1}: ${message}`, { cause });
      }
    }
  }

  /** A process that dies half way leaves the old journal whole. */
  #rewrite(): void {
    if (this.#path === null) return;
    const fresh = `${this.#path}.new`;
    const file = openSync(fresh, 'w');
    this.#bytesAtStart = 0;
    for (const instance of this.#instances.values()) {
      const line = `${JSON.stringify(asChanges(instance))}\n`;
      writeFileSync(file, line);
      this.#bytesAtStart += line.length;
    }
    if (this.#file !== null) closeSync(this.#file);
    renameSync(fresh, this.#path);
    this.#file = file;
    this.#bytesAdded = 0;
  }
}

function asChanges({ state, history, inbox, ...head }: StoredInstance): Change[] {
  const { instanceId } = head;
  return [
    { op: 'begin', head, state },
    { op: 'append', instanceId, events: history },
    ...inbox.map((message) => ({ op: 'send' as const, instanceId, message })),
  ];
}
