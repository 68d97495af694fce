# The server, and a name for each service: an id and a secret of its own, shown once.

counterfoil init --data data
counterfoil migrate --data data
counterfoil clients add orders --data data --json > data/orders.json
counterfoil clients add invoices --data data --json > data/invoices.json
counterfoil serve --data data
