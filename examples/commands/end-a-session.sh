# Ends a session, and all of an account.

counterfoil sessions list                     # who is signed in, on what, since when
counterfoil sessions end ID                   # one session
counterfoil accounts disable ada@example.org  # all of them, and nobody signs in to it until `accounts enable`
