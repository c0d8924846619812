import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

/** `POST /api/feeds/{name}/accept`: puts the state that is held back in use. */
export async function acceptFeed(request: HttpRequest): Promise<HttpResponseInit> {
  return answering(async () => {
    const manage = await import('../../shared/pipeline/feeds/operate/manage-feeds.ts');
    const { feeds } = await services();
    const name = request.params['name'] ?? '';
    return { jsonBody: await manage.acceptFeed(await feeds(), name) };
  });
}

app.http('acceptFeed', {
  methods: ['POST'],
  route: 'feeds/{name}/accept',
  authLevel: 'function',
  handler: acceptFeed,
});
