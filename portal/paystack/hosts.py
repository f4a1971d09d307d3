"""What a phone that has not paid yet must reach to pay on Paystack's page: for a router's walled garden. Values only.

Paystack's documentation names its checkout and API; the page loads its parts from the other names (seen in public content
security policies of shops). The pages on which banks ask for a code (3-D Secure) are the banks' own and cannot be listed."""

HOSTS = (
    "checkout.paystack.com",
    "standard.paystack.co",
    "api.paystack.co",
    "js.paystack.co",
    "*.paystack.com",
    "*.paystack.co",
)
