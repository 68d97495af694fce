# A signing key was stolen.

# Bring secret.reserve back from where it is kept, beside the root secret.
counterfoil keys rotate --compromised
counterfoil keys list
# Take secret.reserve off the machine again: it wraps the next reserve now.
