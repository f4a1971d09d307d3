"""Rails: ways money comes in. What each can do stands in `interface`; the core speaks of rails by it, never in a provider's codes.

M-Pesa has its own verbs in `payments` and is a rail by an adapter; Airtel Money and Paystack are started (`starting`), heard
(`hearing`) and asked (`asking`) here, one road for both."""
