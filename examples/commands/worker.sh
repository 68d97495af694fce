counterfoil clients keypair worker-key.json > worker.pub.json     # where the worker runs: the private half stays there
counterfoil clients add "Monthly statements" --auth private_key_jwt --jwks worker.pub.json --scope "statements:read"
