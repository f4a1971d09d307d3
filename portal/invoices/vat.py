"""VAT inside prices, in whole cents. Pure.

Prices are what people pay; the tax in each line is found by itself and rounded half up, and a paper's tax is the sum of its lines:
so lines, totals and what is left over always add up to the cent."""

from portal.money import BASIS_POINTS

#: More than any VAT of the region; the database knows the same limit.
MOST_BP = 3000


def inside(cents: int, basis_points: int) -> int:
    """The VAT in `cents` (not negative) at a rate: 16 % in KES 116 is KES 16. Half a cent is rounded up."""
    if cents < 0 or not 0 <= basis_points <= MOST_BP:
        raise ValueError(f"no VAT of {basis_points} basis points is in {cents} cents")
    whole = BASIS_POINTS + basis_points
    return (2 * cents * basis_points + whole) // (2 * whole)


def taken_back(cents: int, basis_points: int, *, left_cents: int, left_vat_cents: int) -> int:
    """The VAT in a part that is given back of a paper, of which `left_cents` with `left_vat_cents` still stand.

    Never more than is left; whoever takes back the rest takes back the rest of the tax, so that nothing of either remains."""
    if not 0 <= cents <= left_cents:
        raise ValueError(f"{cents} cents cannot be taken back of {left_cents}")
    if cents == left_cents:
        return left_vat_cents
    # What stays is never more tax than money.
    least = max(0, left_vat_cents - (left_cents - cents))
    return max(least, min(inside(cents, basis_points), left_vat_cents))
