#!/bin/sh
# Both carriers over one session, by curl: what README.md shows. A server has to run (npm start).

B=http://localhost:3000
c() { curl -s -w '\n' "$@"; }
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
ADA='"email":"ada@example.com","password":"seven dull green boats"'

# Sign up. The answer is the same whether or not the address has an account; the mail says the rest.
c $B/auth/sign-up --json "{$ADA}"
LINK=$(c $B/dev/mail -H 'Accept: application/json' | grep -o 'token=[A-Za-z0-9_-]*' | head -1 | cut -d= -f2)
c $B/auth/verify-email --json "{$ADA,\"token\":\"$LINK\",\"carrier\":\"token\"}"

# Sign in with a token, and once more with a cookie. A browser sends the Origin by itself; without it: 403.
TOKENS=$(c $B/auth/sign-in --json "{$ADA,\"carrier\":\"token\"}")
BEARER="Authorization: Bearer $(echo "$TOKENS" | field access_token)"
c $B/auth/sign-in --json "{$ADA}" -c jar -H "Origin: $B"

# Who am I? One answer, whichever carrier the request has.
c $B/auth/session -H "$BEARER"
c $B/auth/session -b jar

# One list of sessions. End the one in the cookie, from the token: it is over with the next request.
c $B/auth/sessions -H "$BEARER"
ID=$(c $B/auth/session -b jar | sed 's/.*"session":{"id":"\([^"]*\)".*/\1/')
c -X DELETE $B/auth/sessions/$ID -H "$BEARER" -w '%{http_code}\n'   # 204
c $B/auth/session -b jar                                            # 401: the cookie was sent, and is over

# A new access token, and with it the next refresh token.
c $B/oauth/token -d grant_type=refresh_token -d refresh_token=$(echo "$TOKENS" | field refresh_token)
