import {
  type HttpRequest,
  type HttpResponseInit,
  type InvocationContext,
  app,
} from '@azure/functions';
import * as df from 'durable-functions';
import { answering } from '../../shared/format/http-problem.ts';
import { statusOf } from '../../shared/pipeline/start-once.ts';
import { REBUILD } from '../orchestrations/rebuild.ts';

/** `GET /api/rebuild`: how far the last rebuild is; its status is `Never` where there was none. */
export async function getRebuild(
  _request: HttpRequest,
  context: InvocationContext,
): Promise<HttpResponseInit> {
  return answering(async () => {
    const status = await statusOf(df.getClient(context), REBUILD);
    const { runtimeStatus = 'Never', customStatus = null, output = null } = status ?? {};
    return { jsonBody: { status: runtimeStatus, progress: customStatus, output } };
  });
}

app.http('getRebuild', {
  methods: ['GET'],
  route: 'rebuild',
  authLevel: 'function',
  extraInputs: [df.input.durableClient()],
  handler: getRebuild,
});
