"""What the operator does for the platform: merchants and their terms, how the platform is, and looking at a shop in its owner's place.

Everything here takes an operator; guards keep others off, and each verb looks again."""
