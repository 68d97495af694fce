# The accounts, with their ids. From now on the new application runs, and whoever is signed in stays so.

counterfoil init --data data
counterfoil migrate --data data
counterfoil import --file accounts.jsonl --data data
