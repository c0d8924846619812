// The HTTP API of a task hub, as the durable client and everyone who was handed a management URL uses it.
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { HttpAnswer, MountedRequest } from '../http.ts';
import { type HubAddresses, managementUrls } from './client-binding.ts';
import type { Engine, Posted } from './engine.ts';
import { EventType, type HistoryEvent, STATUSES } from './history.ts';
import { hasEnded } from './intake.ts';
import type { Instance, InstanceStore } from './store.ts';

export class DurableApi {
  readonly #store: InstanceStore;
  readonly #engine: Engine;
  readonly #addresses: HubAddresses;

  constructor(store: InstanceStore, engine: Engine, addresses: HubAddresses) {
    this.#store = store;
    this.#engine = engine;
    this.#addresses = addresses;
  }

  answer({ method, path, query, body }: MountedRequest): HttpAnswer {
    const [collection = '', first = '', operation, name] = path;
    // Segments as ASP.NET compares them.
    switch (`${method} ${collection.toLowerCase()} ${path.length}`) {
      case 'POST orchestrators 2':
      case 'POST orchestrators 3':
        return this.#startNew(first, operation ?? null, query.get('version') ?? '', body);
      case 'GET instances 1':
        return this.#list(query);
      case 'GET instances 2':
        return this.#status(first, query);
      case 'DELETE instances 1':
        return this.#purgeMatching(query);
      case 'DELETE instances 2':
        return this.#purge(first);
      case 'POST instances 3':
      case 'POST instances 4':
        return this.#post(first, operation!.toLowerCase(), name ?? null, query, body);
      default:
        return collection.toLowerCase() === 'entities'
          ? text(501, 'The local Functions host does not model entities.')
          : text(404, '');
    }
  }

  #startNew(
    functionName: string,
    givenId: string | null,
    version: string,
    given: string,
  ): HttpAnswer {
    if (!this.#engine.hasOrchestrator(functionName)) {
      return text(400, `The function '${functionName}' is not an orchestrator of this app.`);
    }
    const instanceId = givenId ?? randomUUID().replaceAll('-', '');
    const unfit = /[/\\?#]|^@/.test(instanceId) || instanceId.length > 256;
    if (unfit) return text(400, `'${instanceId}' is not fit to be the id of an instance.`);
    const existing = this.#store.get(instanceId);
    if (existing !== undefined && !hasEnded(existing)) {
      return text(500, `An instance with the id '${instanceId}' is there already.`);
    }
    const input = given === '' ? null : jsonText(given);
    if (input === undefined) return text(400, 'The input is not JSON.');
    this.#engine.startNew({ name: functionName, instanceId, version, input });
    const urls = managementUrls(this.#addresses, encodeURIComponent(instanceId));
    // The real answer leaves this one out.
    const body = { id: instanceId, ...urls, rewindPostUri: undefined };
    return json(202, body, { location: urls.statusQueryGetUri, 'retry-after': '10' });
  }

  #status(instanceId: string, query: URLSearchParams): HttpAnswer {
    const instance = this.#store.get(instanceId);
    if (instance === undefined) return absent(instanceId);
    const status = statusBody(instance, query);
    if (hasEnded(instance)) return json(200, status);
    const { statusQueryGetUri } = managementUrls(this.#addresses, encodeURIComponent(instanceId));
    return json(202, status, { location: statusQueryGetUri, 'retry-after': '5' });
  }

  #list(query: URLSearchParams): HttpAnswer {
    const filter = parseFilter(query);
    if (filter === null) return text(400, 'The filter cannot be read.');
    const found = [...this.#store.all()].filter((instance) => matches(instance, filter));
    return json(
      200,
      found.map((instance) => statusBody(instance, query)),
    );
  }

  #purge(instanceId: string): HttpAnswer {
    if (this.#store.get(instanceId) === undefined) return absent(instanceId);
    return json(200, { instancesDeleted: this.#engine.purge(instanceId) ? 1 : 0 });
  }

  #purgeMatching(query: URLSearchParams): HttpAnswer {
    const filter = parseFilter(query);
    if (filter?.createdTimeFrom === undefined) {
      return text(400, 'A purge by filter needs createdTimeFrom.');
    }
    const found = [...this.#store.all()].filter((instance) => matches(instance, filter));
    const purged = found.filter(({ instanceId }) => this.#engine.purge(instanceId));
    return purged.length === 0
      ? text(404, 'No instance that has ended matches.')
      : json(200, { instancesDeleted: purged.length });
  }

  #post(
    instanceId: string,
    operation: string,
    name: string | null,
    query: URLSearchParams,
    body: string,
  ): HttpAnswer {
    const reason = query.get('reason');
    if (operation === 'raiseevent' && name !== null) {
      const input = jsonText(body);
      if (input === undefined) return text(400, 'The data of an event has to be JSON.');
      return posted(instanceId, this.#engine.raiseEvent(instanceId, name, input));
    }
    if (name !== null) return text(404, '');
    switch (operation) {
      case 'terminate':
        return posted(instanceId, this.#engine.terminate(instanceId, reason));
      case 'suspend':
        return posted(instanceId, this.#engine.suspend(instanceId, reason));
      case 'resume':
        return posted(instanceId, this.#engine.resume(instanceId, reason));
      case 'rewind':
      case 'restart':
        return text(501, `The local Functions host does not model ${operation}.`);
      default:
        return text(404, '');
    }
  }
}

/** The same JSON, on one line; undefined for what is none. */
function jsonText(body: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(body));
  } catch {
    return undefined;
  }
}

const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const filterQuery = z.object({
  createdTimeFrom: time.optional(),
  createdTimeTo: time.optional(),
  instanceIdPrefix: z.string().default(''),
  runtimeStatus: z
    .string()
    .transform((names) => names.split(','))
    .pipe(z.array(z.enum(STATUSES)))
    .optional(),
});
type Filter = z.output<typeof filterQuery>;

function parseFilter(query: URLSearchParams): Filter | null {
  const given = [...query].filter(([, value]) => value !== '');
  return filterQuery.safeParse(Object.fromEntries(given)).data ?? null;
}

function matches(instance: Instance, filter: Filter): boolean {
  const { createdAt, instanceId, state } = instance;
  const { createdTimeFrom = -Infinity, createdTimeTo = Infinity, runtimeStatus } = filter;
  return (
    createdAt >= createdTimeFrom &&
    createdAt <= createdTimeTo &&
    instanceId.startsWith(filter.instanceIdPrefix) &&
    (runtimeStatus === undefined || runtimeStatus.includes(state.status))
  );
}

function statusBody(instance: Instance, query: URLSearchParams): object {
  const { name, instanceId, input, createdAt, state } = instance;
  const asks = (parameter: string, otherwise: boolean) =>
    query.get(parameter) === null ? otherwise : query.get(parameter) === 'true';
  return {
    name,
    instanceId,
    runtimeStatus: state.status,
    input: asks('showInput', true) ? value(input) : null,
    customStatus: value(state.customStatus),
    output: value(state.output),
    createdTime: secondsTime(createdAt),
    lastUpdatedTime: secondsTime(state.updatedAt),
    ...(asks('showHistory', false) && {
      historyEvents: instance.history.map((event) =>
        shownEvent(event, asks('showHistoryOutput', false)),
      ),
    }),
  };
}

const EVENT_NAMES = new Map<number, string>(
  Object.entries(EventType).map(([name, number]) => [number, name]),
);

function shownEvent(event: HistoryEvent, showOutput: boolean): object {
  const shown = { ...event, EventType: EVENT_NAMES.get(event.EventType) };
  return showOutput || !('Result' in shown) ? shown : { ...shown, Result: undefined };
}

function value(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}

function secondsTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}

function posted(instanceId: string, outcome: Posted): HttpAnswer {
  switch (outcome) {
    case 'accepted':
      return text(202, '');
    case 'ended':
      return text(410, '');
    case 'absent':
      return absent(instanceId);
  }
}

function absent(instanceId: string): HttpAnswer {
  return text(404, `There is no instance with the id '${instanceId}'.`);
}

function json(status: number, body: object, headers: Record<string, string> = {}): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: Buffer.from(JSON.stringify(body)),
  };
}

function text(status: number, message: string): HttpAnswer {
  const headers = message === '' ? {} : { 'content-type': 'text/plain; charset=utf-8' };
  return { status, headers, body: Buffer.from(message) };
}
