import type { HostClock } from './clock.ts';
import type { RetryContext, RetryOptions, RpcException } from './core-module.ts';
import type { InvocationOutcome } from './invoker.ts';

/** How an invocation ended, retries included; `interrupted` by the stop of the host, so it does not count as processed. */
export type Outcome = InvocationOutcome | { readonly status: 'interrupted' };

export interface RetrySurroundings {
  readonly clock: HostClock;
  readonly stopping: AbortSignal;
  /** In [0, 1). */
  readonly random?: () => number;
}

/**
 * Attempts until one succeeds, the policy is exhausted or the host stops. The retry context is there from the first
 * attempt on if there is a policy, and carries the last failure from the second.
 */
export async function withRetries(
  policy: RetryOptions | undefined,
  attempt: (context: RetryContext | null) => Promise<InvocationOutcome>,
  { clock, stopping, random = Math.random }: RetrySurroundings,
): Promise<Outcome> {
  let exception: RpcException | undefined;
  for (let retryCount = 0; !stopping.aborted; retryCount++) {
    const context =
      policy === undefined
        ? null
        : { retryCount, maxRetryCount: policy.maxRetryCount, ...(exception && { exception }) };
    const outcome = await attempt(context);
    if (stopping.aborted) break;
    if (policy === undefined || outcome.status === 'succeeded' || outcome.timedOut) return outcome;
    if (policy.maxRetryCount !== -1 && retryCount >= policy.maxRetryCount) return outcome;
    ({ exception } = outcome);
    await clock.delay(retryDelay(policy, retryCount, random), stopping);
  }
  return { status: 'interrupted' };
}

/** Milliseconds before retry number `retryCount` + 1. */
export function retryDelay(policy: RetryOptions, retryCount: number, random: () => number): number {
  if (policy.retryStrategy === 'fixedDelay') return (policy.delayInterval?.seconds ?? 0) * 1000;
  const minimum = (policy.minimumInterval?.seconds ?? 0) * 1000;
  const maximum = (policy.maximumInterval?.seconds ?? 0) * 1000;
  if (retryCount === 0) return Math.min(minimum, maximum);
  const spread = 0.8 + 0.4 * random();
  return Math.min(minimum + 2 ** (retryCount - 1) * minimum * spread, maximum);
}
