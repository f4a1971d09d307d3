"""Agents: people who sell a merchant's vouchers for a commission, with a sign-in of their own or only a telephone.

`people`: who they are; `stock`: what they were given; `earning`: the step of a sale; `moneys`: what they bring; `counter`: selling
as one; `accounts`: what pages show. What an agent owes is a sum of the ledger, never stored. Each is imported by its own name:
a sale imports `earning`, and `counter` imports sales."""
