export interface OrchestrationStatus {
  readonly runtimeStatus: string;
  readonly customStatus?: unknown;
  readonly output?: unknown;
}

/** What is asked of the durable client. */
export interface OrchestrationClient {
  getStatus(instanceId: string): Promise<OrchestrationStatus>;
  startNew(
    orchestrator: string,
    options: { readonly instanceId: string; readonly input: unknown },
  ): Promise<string>;
}

const LIVE: ReadonlySet<string> = new Set(['Pending', 'Running', 'Suspended', 'ContinuedAsNew']);

/**
 * Starts an orchestration under a fixed id, unless one of that id is on its way. One that ended is started anew: who asks for it knows
 * that its work is not done. False: it is on its way.
 */
export async function startOnce(
  client: OrchestrationClient,
  orchestrator: string,
  instanceId: string,
  input: unknown,
): Promise<boolean> {
  const status = await statusOf(client, instanceId);
  if (status !== null && LIVE.has(status.runtimeStatus)) return false;
  // An empty input would arrive as "".
  await client.startNew(orchestrator, { instanceId, input: input ?? null });
  return true;
}

/** Null when there never was one. The client of durable-functions 3.5 tells that by the text of its error alone. */
export async function statusOf(
  client: Pick<OrchestrationClient, 'getStatus'>,
  instanceId: string,
): Promise<OrchestrationStatus | null> {
  try {
    return await client.getStatus(instanceId);
  } catch (error) {
    if (error instanceof Error && error.message.includes('HTTP 404')) return null;
    throw error;
  }
}
