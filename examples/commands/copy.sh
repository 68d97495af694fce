counterfoil copy --from sqlite:data/counterfoil.db --to postgres://counterfoil@db.example/counterfoil
