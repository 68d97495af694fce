export const answer = (request: Request): Response => new Response(request.url)
