import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { jsonOfBody } from '../../shared/format/http-body.ts';
import { preconditionsOf } from '../../shared/format/http-precondition.ts';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

const MAX_BODY = 1_000_000;

/** `PUT /api/feed-configuration`: replaces the file, if it is the one that If-Match names. */
export async function putFeedConfiguration(request: HttpRequest): Promise<HttpResponseInit> {
  return answering(async () => {
    const { replaceConfiguration } =
      await import('../../shared/pipeline/feeds/operate/manage-configuration.ts');
    const value = await jsonOfBody(request, MAX_BODY);
    const conditions = preconditionsOf(request);
    const { configuration } = await (await services()).feeds();
    const { etag, created } = await replaceConfiguration(configuration, value, conditions);
    return { status: created ? 201 : 200, headers: { etag }, jsonBody: value };
  });
}

app.http('putFeedConfiguration', {
  methods: ['PUT'],
  route: 'feed-configuration',
  authLevel: 'function',
  handler: putFeedConfiguration,
});
