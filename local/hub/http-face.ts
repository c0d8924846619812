// The hub's own protocol, for HubClient of client.ts. Errors are {code, message}; events travel as frames.
//
//   GET    /                                     {name, createdOn, partitionIds}
//   POST   /events                               frames -> {stored, alreadyHeld}
//   GET    /partitions/{id}                      PartitionProperties
//   GET    /partitions/{id}/events               ?after=N&max=N&wait=MS -> frames
//   DELETE /partitions/{id}/events               ?before=N: what retention does
//   GET    /checkpoints/{consumerGroup}/{id}     {sequenceNumber: N or null}
//   PUT    /checkpoints/{consumerGroup}/{id}     {sequenceNumber: N}
//   POST   /recreate                             what a failover does
import type { IncomingMessage, Server } from 'node:http';
import {
  type Answer,
  type Call,
  createLoopbackServer,
  HttpError,
  readBody,
  type Route,
} from '../loopback-http.ts';
import { decodeFrames, type EventFrame } from './event-frame.ts';
import { type Hub, HubRefusal } from './hub.ts';

const MAX_SEND_BYTES = 16 * 1024 * 1024;
const MAX_EVENTS = 10_000;
const MAX_WAIT_MILLISECONDS = 60_000;
const MAX_CHECKPOINT_BYTES = 1024;

const EVENTS = /^\/partitions\/([^/]+)\/events$/;
const CHECKPOINT = /^\/checkpoints\/([^/]+)\/([^/]+)$/;

export function createHttpFace(hub: Hub): Server {
  const routes: Route[] = [
    { method: 'GET', path: /^\/$/, answer: () => ({ body: describe(hub) }) },
    {
      method: 'POST',
      path: /^\/events$/,
      answer: async ({ request }) => ({ body: hub.send(await readEvents(request)) }),
    },
    {
      method: 'GET',
      path: /^\/partitions\/([^/]+)$/,
      answer: ({ open: [id = ''] }) => ({ body: hub.properties(id) }),
    },
    { method: 'GET', path: EVENTS, answer: (call) => receive(hub, call) },
    {
      method: 'DELETE',
      path: EVENTS,
      answer: ({ query, open: [id = ''] }) => {
        hub.deleteBefore(id, parseNumber(query, 'before', Number.MAX_SAFE_INTEGER));
        return { body: {} };
      },
    },
    {
      method: 'GET',
      path: CHECKPOINT,
      answer: ({ open: [group = '', id = ''] }) => ({
        body: { sequenceNumber: hub.readCheckpoint(group, id) },
      }),
    },
    {
      method: 'PUT',
      path: CHECKPOINT,
      answer: async ({ request, open: [group = '', id = ''] }) => {
        hub.writeCheckpoint(group, id, await readCheckpoint(request));
        return { body: {} };
      },
    },
    {
      method: 'POST',
      path: /^\/recreate$/,
      answer: () => {
        hub.recreate();
        return { body: {} };
      },
    },
  ];
  return createLoopbackServer(routes.map(withRefusalAsStatus));
}

function describe(hub: Hub): unknown {
  return { name: hub.name, createdOn: hub.createdOn, partitionIds: hub.partitionIds() };
}

async function receive(hub: Hub, { query, gone, open: [id = ''] }: Call): Promise<Answer> {
  const after = query.has('after') ? parseNumber(query, 'after', Number.MAX_SAFE_INTEGER) : null;
  const max = parseNumber(query, 'max', MAX_EVENTS);
  const wait = parseNumber(query, 'wait', MAX_WAIT_MILLISECONDS);
  return { body: await hub.receive(id, after, max, wait, gone) };
}

function withRefusalAsStatus(route: Route): Route {
  const answer = async (call: Call): Promise<Answer> => {
    try {
      return await route.answer(call);
    } catch (error) {
      if (!(error instanceof HubRefusal)) throw error;
      const status = { BadEvent: 400, NoSuchPartition: 404, PositionPastEnd: 409 }[error.code];
      throw new HttpError(status, error.code, error.message);
    }
  };
  return { ...route, answer };
}

async function readEvents(request: IncomingMessage): Promise<EventFrame[]> {
  const body = await readBody(request, MAX_SEND_BYTES);
  try {
    return decodeFrames(body);
  } catch (error) {
    throw new HttpError(400, 'BadEvent', (error as RangeError).message);
  }
}

async function readCheckpoint(request: IncomingMessage): Promise<number> {
  const text = (await readBody(request, MAX_CHECKPOINT_BYTES)).toString();
  const sequenceNumber = /^\{"sequenceNumber":(\d{1,16})\}$/.exec(text)?.[1];
  if (sequenceNumber === undefined) {
    throw new HttpError(400, 'BadRequest', 'a checkpoint is {"sequenceNumber":N}');
  }
  return Number(sequenceNumber);
}

function parseNumber(query: URLSearchParams, name: string, limit: number): number {
  const text = query.get(name) ?? '';
  const number = Number(text);
  if (!/^\d{1,16}$/.test(text) || number > limit) {
    throw new HttpError(400, 'BadRequest', `${name} is a number up to ${limit}, not "${text}"`);
  }
  return number;
}
