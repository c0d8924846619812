import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { preconditionsOf } from '../../shared/format/http-precondition.ts';
import { answering } from '../../shared/format/http-problem.ts';
import { GROUPS_ROUTE, groupRequest } from '../../shared/format/security-group/arm-request.ts';
import { services } from '../../shared/wiring.ts';

/** `DELETE …/deviceSecurityGroups/{name}`: 200 where the group was there, 204 where it was not. */
export async function deleteSecurityGroup(request: HttpRequest): Promise<HttpResponseInit> {
  return answering(async () => {
    const { deleteGroup } = await import('../../shared/pipeline/groups/manage-groups.ts');
    const { name } = groupRequest(request);
    const { groups } = await services();
    const isRemoved = await deleteGroup(groups, name, preconditionsOf(request));
    return { status: isRemoved ? 200 : 204 };
  });
}

app.http('deleteSecurityGroup', {
  methods: ['DELETE'],
  route: `${GROUPS_ROUTE}/{name}`,
  authLevel: 'function',
  handler: deleteSecurityGroup,
});
