export COUNTERFOIL_DATA=/var/lib/counterfoil  # the secret stays where it is, and stays the same
export PGPASSWORD=…                           # other users of the machine see flags, not variables
counterfoil copy --to postgres://counterfoil@db.example/counterfoil

export COUNTERFOIL_DATABASE='postgres://counterfoil@db.example/counterfoil?sslmode=verify-full'
counterfoil doctor                            # exit code 0: all that a start depends on is there
counterfoil serve
