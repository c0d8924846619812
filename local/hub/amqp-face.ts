// The part of AMQP 1.0 with which the @azure/event-hubs client reads: put-token on $cbs (any token will do), READ of the
// hub and its partitions on $management, and receiving links on {hub}/ConsumerGroups/{group}/Partitions/{id}. Sending over
// AMQP is refused.
import { createServer, type Server, type Socket } from 'node:net';
import process from 'node:process';
import rhea, {
  type Connection,
  type ConnectionOptions,
  type Dictionary,
  type EventContext,
  type Message,
  type Sender,
  type Session,
} from 'rhea';
import { decodeFrames, type EventFrame, type EventMetadata } from './event-frame.ts';
import { type Hub, HubRefusal } from './hub.ts';

export interface AmqpFace {
  readonly server: Server;
  close(): Promise<void>;
}

const NOT_FOUND = 'amqp:not-found';
const ARGUMENT_ERROR = 'com.microsoft:argument-error';
const PARTITION_ADDRESS = /^([^/]+)\/ConsumerGroups\/[^/]+\/Partitions\/([^/]+)$/i;
const SELECTOR = /^amqp\.annotation\.x-opt-(sequence-number|offset|enqueued-time) (>=?) '([^']*)'$/;
const CONNECTION_OPTIONS = { max_frame_size: 64 * 1024 } as ConnectionOptions;
/** For clients to answer the close of their connection. */
const CLOSE_MILLISECONDS = 500;
/** Events that are read from the hub at once. */
const READ_EVENTS = 100;

/** What stands in the properties section of an AMQP message; any other system property is an annotation. */
const MESSAGE_PROPERTIES: Readonly<Record<string, string>> = {
  'message-id': 'message_id',
  'correlation-id': 'correlation_id',
  'content-type': 'content_type',
  'content-encoding': 'content_encoding',
  subject: 'subject',
};

export function createAmqpFace(hub: Hub): AmqpFace {
  const sockets = new Map<Socket, Connection>();
  const container = rhea.create_container({ id: 'hub', autoaccept: true });
  container.sasl_server_mechanisms.enable_anonymous();
  const replies = new WeakMap<Session, Map<string, Sender>>();

  container.on('sender_open', ({ sender, session }: EventContext) => {
    if (sender === undefined || session === undefined) return;
    sender.set_source(sender.source);
    sender.set_target(sender.target);
    const address = sender.source?.address ?? '';
    if (!isRequestAddress(address)) return openPartition(hub, sender, address);
    const open = replies.get(session) ?? new Map<string, Sender>();
    replies.set(session, open.set(sender.name, sender).set(sender.target?.address ?? '', sender));
  });
  container.on('receiver_open', ({ receiver }: EventContext) => {
    receiver?.set_source(receiver.source);
    receiver?.set_target(receiver.target);
    const address = receiver?.target?.address ?? '';
    if (isRequestAddress(address)) return;
    receiver?.close({
      condition: 'amqp:not-implemented',
      description: 'sending is not served here',
    });
  });
  container.on('message', ({ message, receiver, session }: EventContext) => {
    const reply = replies.get(session!)?.get(message?.reply_to ?? '');
    if (message === undefined || reply === undefined) return;
    const isManagement = receiver?.target?.address?.endsWith('$management') === true;
    reply.send(isManagement ? answerManagement(hub, message) : answerTo(message, 202, 'Accepted'));
  });
  // Without a listener, a client that talks nonsense would end the process, and one that breaks off be complained of.
  for (const event of ['error', 'protocol_error', 'connection_error']) {
    container.on(event, (error: unknown) => {
      process.stderr.write(`amqp: ${error instanceof Error ? error.stack : event}\n`);
    });
  }
  container.on('disconnected', () => undefined);

  const server = createServer((socket) => {
    const connection = container.create_connection(CONNECTION_OPTIONS);
    // The typings leave out what rhea's own listen() does with a socket.
    (connection as unknown as { accept(socket: Socket): void }).accept(socket);
    sockets.set(socket, connection);
    socket.once('close', () => sockets.delete(socket));
  });
  return {
    server,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const connection of sockets.values()) connection.close();
      const timer = setTimeout(() => {
        for (const socket of sockets.keys()) socket.destroy();
      }, CLOSE_MILLISECONDS);
      await closed;
      clearTimeout(timer);
    },
  };
}

function isRequestAddress(address: string): boolean {
  return address === '$cbs' || address.endsWith('$management');
}

function answerManagement(hub: Hub, request: Message): Message {
  const asked = (request.application_properties ?? {}) as Readonly<Record<string, unknown>>;
  if (asked['operation'] !== 'READ' || asked['name'] !== hub.name) {
    return answerTo(request, 404, `there is no "${String(asked['name'])}" to READ`);
  }
  const created = rhea.types.wrap_timestamp(Date.parse(hub.createdOn));
  const partitionIds = hub.partitionIds();
  if (asked['type'] === 'com.microsoft:eventhub') {
    return answerTo(request, 200, 'OK', {
      name: hub.name,
      type: asked['type'],
      created_at: created,
      partition_count: rhea.types.wrap_int(partitionIds.length),
      partition_ids: rhea.types.wrap_array([...partitionIds], 0xa1, undefined),
      georeplication_factor: rhea.types.wrap_int(1),
    });
  }
  const id = String(asked['partition']);
  if (asked['type'] !== 'com.microsoft:partition' || !partitionIds.includes(id)) {
    return answerTo(request, 404, `there is no partition "${id}"`);
  }
  const found = hub.properties(id);
  return answerTo(request, 200, 'OK', {
    name: hub.name,
    type: asked['type'],
    partition: id,
    begin_sequence_number: rhea.types.wrap_long(found.beginningSequenceNumber),
    last_enqueued_sequence_number: rhea.types.wrap_long(found.lastEnqueuedSequenceNumber),
    last_enqueued_offset: String(found.lastEnqueuedSequenceNumber),
    // An event hub says 0001-01-01 where there never was an event.
    last_enqueued_time_utc: rhea.types.wrap_timestamp(
      Date.parse(found.lastEnqueuedTime ?? '0001-01-01T00:00:00Z'),
    ),
    is_partition_empty: found.isEmpty,
  });
}

function answerTo(
  request: Message,
  status: number,
  description: string,
  body: Dictionary<unknown> = {},
): Message {
  return {
    ...(request.message_id === undefined ? {} : { correlation_id: request.message_id }),
    application_properties: {
      'status-code': rhea.types.wrap_int(status),
      'status-description': description,
    },
    body,
  };
}

/** Serves a receiving link as far as its credit goes, and on as events come. */
function openPartition(hub: Hub, sender: Sender, address: string): void {
  const [, name, partitionId = ''] = PARTITION_ADDRESS.exec(address) ?? [];
  if (name !== hub.name || !hub.partitionIds().includes(partitionId)) {
    return sender.close({ condition: NOT_FOUND, description: `there is no "${address}"` });
  }
  const filter: unknown = sender.source.filter?.['apache.org:selector-filter:string'] ?? undefined;
  const start = parsePosition(hub, partitionId, filter);
  if (start === undefined) {
    const description = `the position "${String(filter)}" is not understood`;
    return sender.close({ condition: ARGUMENT_ERROR, description });
  }
  let { after } = start;
  let sent = 0;
  let scheduled = false;
  // Where a connection broke off without closing its links, the next change ends the watching.
  const pump = (): void => {
    scheduled = false;
    if (!sender.is_open()) return stopWatching();
    try {
      const room = roomOf(sender, sent);
      const frames = decodeFrames(hub.read(partitionId, after, Math.min(room, READ_EVENTS)));
      for (const frame of frames) sender.send(toMessage(frame));
      sent += frames.length;
      after = frames.at(-1)?.sequenceNumber ?? after;
      if (frames.length > 0) schedule();
    } catch (error) {
      if (!(error instanceof HubRefusal)) throw error;
      sender.close({ condition: ARGUMENT_ERROR, description: error.message });
    }
  };
  // After rhea has counted what was sent against the credit.
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(pump);
  };
  const stopWatching = hub.watch(schedule);
  sender.on('sendable', schedule);
  sender.on('settled', schedule);
  sender.on('sender_close', stopWatching);
}

/**
 * Deliveries beyond the credit would wait in the session and hold up its other links; and rhea has a fixed number of
 * places for those that are not settled yet.
 */
function roomOf(sender: Sender, sent: number): number {
  const { credit, delivery_count: delivered } = sender as unknown as {
    credit: number;
    delivery_count: number;
  };
  const { outgoing } = sender.session as unknown as { outgoing: { available(): number } };
  return Math.max(0, Math.min(credit - (sent - delivered), outgoing.available()));
}

/** Where a link begins: after a number, or at the first event held (null). */
function parsePosition(
  hub: Hub,
  partitionId: string,
  filter: unknown,
): { readonly after: number | null } | undefined {
  // No filter: all that is held.
  if (filter === undefined) return { after: null };
  const [, what, comparison, text = ''] = SELECTOR.exec(selectorText(filter)) ?? [];
  if (what === 'offset' && text === '@latest') {
    return { after: hub.properties(partitionId).lastEnqueuedSequenceNumber };
  }
  // -1 stands for the beginning.
  if (what === undefined || !/^(-1|\d{1,16})$/.test(text)) return undefined;
  const number = Number(text);
  if (what === 'enqueued-time') return { after: hub.numberBeforeTime(partitionId, number) };
  const after = comparison === '>=' ? number - 1 : number;
  return { after: after < 0 ? null : after };
}

/** rhea hands a described value over as an object that stands for its text. */
function selectorText(filter: unknown): string {
  const { value = filter } = filter as { value?: unknown };
  return typeof value === 'string' ? value : '';
}

function toMessage({ sequenceNumber, enqueuedTime, metadata, body }: EventFrame): Message {
  const { partitionKey, properties, systemProperties } = metadata as EventMetadata;
  const annotations: Record<string, unknown> = {
    'x-opt-sequence-number': rhea.types.wrap_long(sequenceNumber),
    'x-opt-offset': String(sequenceNumber),
    'x-opt-enqueued-time': rhea.types.wrap_timestamp(enqueuedTime),
    ...(partitionKey === null ? {} : { 'x-opt-partition-key': partitionKey }),
  };
  const sections: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(systemProperties)) {
    const property = MESSAGE_PROPERTIES[name];
    if (property === undefined) annotations[name] = toAnnotation(name, value);
    else sections[property] = value;
  }
  return {
    ...sections,
    message_annotations: annotations,
    application_properties: { ...properties },
    body: rhea.message.data_section(body),
  };
}

/** IoT Hub sends its own enqueued time as an AMQP timestamp. */
function toAnnotation(name: string, value: unknown): unknown {
  const time = name === 'iothub-enqueuedtime' ? Date.parse(String(value)) : NaN;
  return Number.isNaN(time) ? value : rhea.types.wrap_timestamp(time);
}
