// The one place that reads settings and builds adapters. SDKs load on first use, so that a function that needs none of
// them starts without.
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import type { CosmosClient } from '@azure/cosmos';
import type { TokenCredential } from '@azure/identity';
import type { BlobServiceClient } from '@azure/storage-blob';
// As a namespace: of `{ z }` the bundle could leave nothing out, and it is most of what a cold start reads.
import * as z from 'zod';
import { zstdBlockCodec } from './adapters/node/block-codec.ts';
import { systemClock } from './adapters/node/system-clock.ts';
import { streamName } from './format/trigger/event-batch.ts';
import { AlertOpener } from './pipeline/alerts.ts';
import { CatchUp } from './pipeline/catch-up.ts';
import type { FoldServices } from './pipeline/fold.ts';
import type { HuntServices } from './pipeline/hunt/hunt-publications.ts';
import { CurrentGroups } from './pipeline/ingest/current-groups.ts';
import { CurrentSnapshot } from './pipeline/ingest/current-snapshot.ts';
import type { WindowServices } from './pipeline/windows/due-windows.ts';
import type { RefreshServices } from './pipeline/feeds/refresh/refresh-feeds.ts';
import { OneAtATime } from './pipeline/one-at-a-time.ts';
import { Ingest } from './pipeline/ingest/ingest.ts';
import { DEFAULT_SETTINGS, type DetectionSettings } from './pipeline/settings.ts';
import type { ActivityLog } from './ports/activity-log.ts';
import type { AlertStore } from './ports/alert-store.ts';
import type { Clock } from './ports/clock.ts';
import type { IndicatorSnapshots } from './ports/indicator-snapshots.ts';
import type { SecurityGroups } from './ports/security-groups.ts';

export interface Services {
  readonly ingest: Ingest;
  readonly fold: FoldServices;
  readonly catchUp: CatchUp;
  /** The stream's name as ingest knows it from the trigger. */
  readonly stream: string;
  readonly alerts: AlertStore;
  readonly log: ActivityLog;
  readonly snapshots: IndicatorSnapshots;
  /** What this instance matches with. */
  readonly intelligence: CurrentSnapshot;
  readonly clock: Clock;
  readonly hunts: HuntServices;
  readonly windows: WindowServices;
  readonly groups: SecurityGroups;
  /** What feeds need; built when first asked for, because ingest never does. */
  readonly feeds: () => Promise<RefreshServices>;
  /** Ends what keeps the process alive: the connection to the event hub. */
  close(): Promise<void>;
}

/** A setting is missing or not what it must be: names each one. */
export class SettingsError extends Error {
  readonly code = 'SETTINGS';
}

const milliseconds = (name: keyof typeof DEFAULT_SETTINGS) =>
  z.coerce.number().int().positive().default(DEFAULT_SETTINGS[name]);

const Settings = z
  .object({
    IotHubName: z.string().min(1),
    DeviceStream: z.string().min(1).optional(),
    DeviceStream__fullyQualifiedNamespace: z.string().min(1).optional(),
    DeviceStreamEventHub: z.string().min(1),
    // Not the trigger's: its receivers would push ours away.
    DeviceStreamGapConsumerGroup: z.string().min(1).default('threadwatch-gaps'),
    ThreadwatchStorage: z.string().min(1).optional(),
    ThreadwatchStorage__blobServiceUri: z.url().optional(),
    ThreadwatchCosmos: z.string().min(1).optional(),
    ThreadwatchCosmos__accountEndpoint: z.url().optional(),
    RepeatHorizonMs: milliseconds('repeatHorizonMs'),
    HuntLookbackDays: z.coerce.number().int().min(1).max(365).default(14),
    // Messages of a window that come later than this after its end count nowhere.
    WindowGraceSeconds: z.coerce.number().int().min(0).max(3600).default(120),
    EphemeralPortFrom: z.coerce.number().int().min(1).max(65_535).default(30_000),
  })
  .superRefine(
    (settings, issues) => {
      for (const [direct, byIdentity] of [
        ['DeviceStream', 'DeviceStream__fullyQualifiedNamespace'],
        ['ThreadwatchStorage', 'ThreadwatchStorage__blobServiceUri'],
        ['ThreadwatchCosmos', 'ThreadwatchCosmos__accountEndpoint'],
      ] as const) {
        if (settings[direct] === undefined && settings[byIdentity] === undefined) {
          const message = `set ${byIdentity} (managed identity), or ${direct} to a connection string`;
          issues.addIssue({ code: 'custom', path: [byIdentity], message });
        }
      }
    },
    // Also where another setting is wrong: an operator wants to hear of all of them at once.
    { when: () => true },
  );
type Settings = z.infer<typeof Settings>;

const DAY_MS = 24 * 60 * 60_000;

let clock: Clock = systemClock;
let built: Promise<Services> | null = null;

/** The services of this process, built on first use. A failure is not kept: the next call tries again. */
export async function services(): Promise<Services> {
  built ??= build(parseSettings(process.env)).catch((error: unknown) => {
    built = null;
    throw error;
  });
  return built;
}

/** Closes what was built, if anything was; the next use builds it again. */
export async function closeServices(): Promise<void> {
  const closing = built;
  built = null;
  await (await closing)?.close();
}

/** `replay` runs the app on a virtual clock; everything else on the machine's. Call it before the first use. */
export function useClock(other: Clock): void {
  clock = other;
  built = null;
}

export function parseSettings(env: NodeJS.ProcessEnv): Settings {
  const parsed = Settings.safeParse(env);
  if (parsed.success) return parsed.data;
  const reasons = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new SettingsError(`app settings: ${reasons.join('; ')}`);
}

async function build(settings: Settings): Promise<Services> {
  const [
    { openBlobService },
    log,
    checkpoints,
    snapshots,
    runs,
    cosmos,
    { CosmosAlertStore },
    { CosmosSecurityGroups },
    { EventHubDeviceStream },
  ] = await Promise.all([
    import('./adapters/blob/blob-service.ts'),
    import('./adapters/blob/activity-log.ts'),
    import('./adapters/blob/checkpoints.ts'),
    import('./adapters/blob/indicator-snapshots.ts'),
    import('./adapters/blob/runs.ts'),
    import('./adapters/cosmos/cosmos.ts'),
    import('./adapters/cosmos/alert-store.ts'),
    import('./adapters/cosmos/security-groups.ts'),
    import('./adapters/event-hubs/event-hub-device-stream.ts'),
  ]);
  const identity = await credential(settings);
  const blobs = openBlobService(
    settings.ThreadwatchStorage__blobServiceUri === undefined
      ? { connectionString: settings.ThreadwatchStorage! }
      : { serviceUri: settings.ThreadwatchStorage__blobServiceUri, credential: identity! },
  );
  const documents = cosmos.openCosmos(
    settings.ThreadwatchCosmos__accountEndpoint === undefined
      ? { connectionString: settings.ThreadwatchCosmos! }
      : { endpoint: settings.ThreadwatchCosmos__accountEndpoint, credential: identity! },
  );
  const alerts = new CosmosAlertStore(documents);
  const stream = new EventHubDeviceStream(
    settings.DeviceStream__fullyQualifiedNamespace === undefined
      ? { connectionString: settings.DeviceStream! }
      : {
          fullyQualifiedNamespace: settings.DeviceStream__fullyQualifiedNamespace,
          credential: identity!,
        },
    settings.DeviceStreamEventHub,
    settings.DeviceStreamGapConsumerGroup,
  );
  const detection: DetectionSettings = {
    ...DEFAULT_SETTINGS,
    hub: settings.IotHubName,
    repeatHorizonMs: settings.RepeatHorizonMs,
    ephemeralPortFrom: settings.EphemeralPortFrom,
  };
  const activityLog = new log.BlobActivityLog(blobs);
  const indicatorSnapshots = new snapshots.BlobIndicatorSnapshots(blobs);
  const blobCheckpoints = new checkpoints.BlobCheckpoints(blobs);
  const common = { log: activityLog, stream, clock, codec: zstdBlockCodec, settings: detection };
  const ownStream = streamName(namespaceOf(settings), settings.DeviceStreamEventHub);
  const groups = new CosmosSecurityGroups(documents);
  const intelligence = new CurrentSnapshot(indicatorSnapshots, clock, detection.snapshotFreshMs);
  const ingest = new Ingest({
    ...common,
    snapshot: intelligence,
    groups: new CurrentGroups(groups, clock, detection.groupsFreshMs),
    writerId: randomUUID(),
    alerts: new AlertOpener(alerts, clock, detection.hub),
  });
  return {
    ingest,
    fold: {
      log: activityLog,
      alerts,
      checkpoints: blobCheckpoints,
      clock,
      codec: zstdBlockCodec,
      hub: detection.hub,
    },
    hunts: {
      log: activityLog,
      alerts,
      checkpoints: blobCheckpoints,
      snapshots: indicatorSnapshots,
      intelligence,
      clock,
      codec: zstdBlockCodec,
      hub: detection.hub,
      ephemeralPortFrom: detection.ephemeralPortFrom,
      lookbackMs: settings.HuntLookbackDays * DAY_MS,
    },
    windows: {
      log: activityLog,
      runs: new runs.BlobRuns(blobs),
      alerts,
      checkpoints: blobCheckpoints,
      groups,
      stream,
      streamName: ownStream,
      clock,
      codec: zstdBlockCodec,
      hub: detection.hub,
      graceMs: settings.WindowGraceSeconds * 1000,
      oneAtATime: new OneAtATime(),
    },
    catchUp: new CatchUp({ ...common, ingest, alertStore: alerts }),
    stream: ownStream,
    alerts,
    log: activityLog,
    snapshots: indicatorSnapshots,
    intelligence,
    clock,
    groups,
    feeds: once(() =>
      buildFeeds(blobs, documents, {
        snapshots: indicatorSnapshots,
        checkpoints: blobCheckpoints,
        alerts,
        clock,
        storeClock: systemClock,
        hub: detection.hub,
      }),
    ),
    close: () => stream.close(),
  };
}

async function buildFeeds(
  blobs: BlobServiceClient,
  documents: CosmosClient,
  common: Pick<
    RefreshServices,
    'snapshots' | 'checkpoints' | 'alerts' | 'clock' | 'storeClock' | 'hub'
  >,
): Promise<RefreshServices> {
  const [
    { BlobConfiguration },
    { BlobFeedFiles },
    { CosmosFeedStore },
    { EnvironmentSecrets },
    { NodeWeb },
  ] = await Promise.all([
    import('./adapters/blob/configuration.ts'),
    import('./adapters/blob/feed-files.ts'),
    import('./adapters/cosmos/feed-store.ts'),
    import('./adapters/node/environment-secrets.ts'),
    import('./adapters/web/node-web.ts'),
  ]);
  return {
    ...common,
    configuration: new BlobConfiguration(blobs),
    files: new BlobFeedFiles(blobs),
    feeds: new CosmosFeedStore(documents),
    secrets: new EnvironmentSecrets(process.env),
    web: new NodeWeb(),
  };
}

/** A failure is not kept: the next call tries again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return async () => {
    made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
}

/** Managed identity wherever a setting asks for it; with connection strings alone nothing is loaded. */
async function credential(settings: Settings): Promise<TokenCredential | null> {
  const asksForIdentity =
    settings.DeviceStream__fullyQualifiedNamespace !== undefined ||
    settings.ThreadwatchStorage__blobServiceUri !== undefined ||
    settings.ThreadwatchCosmos__accountEndpoint !== undefined;
  if (!asksForIdentity) return null;
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential();
}

function namespaceOf(settings: Settings): string {
  if (settings.DeviceStream__fullyQualifiedNamespace !== undefined) {
    return settings.DeviceStream__fullyQualifiedNamespace;
  }
  const endpoint = /(?:^|;)\s*Endpoint=\w+:\/\/([^/:;]+)/i.exec(settings.DeviceStream ?? '');
  if (endpoint?.[1] === undefined) {
    throw new SettingsError(
      'app settings: DeviceStream: a connection string needs Endpoint=sb://…',
    );
  }
  return endpoint[1];
}
