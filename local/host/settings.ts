// What configures the host: host.json, local.settings.json, package.json, and the environment.
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { z } from 'zod';
import { parseTimeSpan } from './time-span.ts';

const timeSpan = z.string().transform((text, context) => {
  const milliseconds = parseTimeSpan(text);
  if (milliseconds !== null) return milliseconds;
  context.addIssue({ code: 'custom', message: `expected hh:mm:ss, found "${text}"` });
  return z.NEVER;
});

const eventHubsJson = z
  .object({
    maxEventBatchSize: z.int().min(1).default(100),
    minEventBatchSize: z.int().min(1).default(1),
    maxWaitTime: timeSpan.prefault('00:01:00'),
    batchCheckpointFrequency: z.int().min(1).default(1),
    initialOffsetOptions: z
      .object({ type: z.literal('fromStart', 'this host reads from the start only') })
      .optional(),
  })
  .refine(({ minEventBatchSize, maxEventBatchSize }) => minEventBatchSize <= maxEventBatchSize, {
    message: 'minEventBatchSize is greater than maxEventBatchSize',
  })
  .refine(({ maxWaitTime }) => maxWaitTime <= 600_000, {
    message: 'maxWaitTime is at most 00:10:00',
  });

/** The part of host.json that the Event Hub trigger reads; times as `hh:mm:ss`. */
export type EventHubsJson = z.input<typeof eventHubsJson>;
/** The same, with defaults and times in milliseconds. */
export type EventHubsSettings = z.output<typeof eventHubsJson>;

// As on a plan that is not the Consumption plan.
const defaultConcurrency = 10 * availableParallelism();
const durableTaskJson = z.object({
  hubName: z.string().optional(),
  maxConcurrentActivityFunctions: z.int().min(1).default(defaultConcurrency),
  maxConcurrentOrchestratorFunctions: z.int().min(1).default(defaultConcurrency),
});

export type DurableTaskSettings = z.output<typeof durableTaskJson>;

const hostJson = z.object({
  version: z.literal('2.0'),
  functionTimeout: z
    .union([z.literal('-1').transform(() => null), timeSpan])
    .nullable()
    .default(null),
  extensions: z
    .object({
      http: z.object({ routePrefix: z.string().default('api') }).prefault({}),
      eventHubs: z.record(z.string(), z.unknown()).default({}),
      durableTask: durableTaskJson.prefault({}),
    })
    .prefault({}),
});

export interface HostSettings {
  /** Null: an invocation may take for ever. */
  readonly functionTimeoutMilliseconds: number | null;
  readonly routePrefix: string;
  readonly eventHubs: EventHubsSettings;
  readonly durableTask: DurableTaskSettings;
}

const localSettingsJson = z.object({
  IsEncrypted: z.literal(false, 'encrypted settings cannot be read here').default(false),
  Values: z.record(z.string(), z.string()).default({}),
});

const packageJson = z.object({ main: z.string().optional() });

export async function loadHostSettings(
  appDirectory: string,
  eventHubsOverrides: EventHubsJson = {},
): Promise<HostSettings> {
  const path = join(appDirectory, 'host.json');
  const { extensions, functionTimeout } = parse(hostJson, path, await readJson(path));
  return {
    functionTimeoutMilliseconds: functionTimeout,
    routePrefix: extensions.http.routePrefix,
    eventHubs: parse(eventHubsJson, path, { ...extensions.eventHubs, ...eventHubsOverrides }),
    durableTask: extensions.durableTask,
  };
}

/** `Values` of local.settings.json; none without the file, which is never deployed and often absent. */
export async function loadLocalSettings(appDirectory: string): Promise<Record<string, string>> {
  const path = join(appDirectory, 'local.settings.json');
  try {
    return parse(localSettingsJson, path, await readJson(path)).Values;
  } catch (error) {
    if (error instanceof Error && (error.cause as NodeJS.ErrnoException)?.code === 'ENOENT')
      return {};
    throw error;
  }
}

/** The glob in `main` of the app's package.json. */
export async function loadMain(appDirectory: string): Promise<string> {
  const path = join(appDirectory, 'package.json');
  const { main } = parse(packageJson, path, await readJson(path));
  if (main === undefined) throw new Error(`${path} names no "main": there is nothing to load`);
  return main;
}

/** Sets each name that the environment does not have yet: what the user exported wins. */
export function addToEnvironment(settings: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(settings)) process.env[name] ??= value;
}

/** Replaces each `%NAME%` by the app setting of that name. */
export function resolveSettings(text: string): string {
  return text.replace(/%([^%]+)%/g, (_, name: string) => {
    const value = process.env[name];
    if (value === undefined)
      throw new Error(`'%${name}%' does not resolve to a value: set ${name}`);
    return value;
  });
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new Error(`cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

function parse<S extends z.ZodType>(schema: S, path: string, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (!result.success) throw new Error(`${path}: ${z.prettifyError(result.error)}`);
  return result.data;
}
