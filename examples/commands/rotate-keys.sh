# The next signing key.

counterfoil keys list           # active, published, reserve, retired
counterfoil keys rotate         # publish the next one now; it signs a day later
counterfoil keys rotate --now   # it signs at once
