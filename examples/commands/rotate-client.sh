# Another proof for a client.

counterfoil clients rotate SERVICE                  # one with a secret: another, shown once

counterfoil clients keypair worker.jwk > public.jwk # one with a key: the private half stays in the file
counterfoil clients rotate WORKER --jwks public.jwk
