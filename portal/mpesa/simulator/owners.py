"""Under which names virtual numbers are registered: the same number always has the same owner. Invented names."""

from portal.mpesa.simulator.records import Owner

_FIRST = ("JOHN", "WANJIKU", "OTIENO", "AMINA", "KEVIN", "ZAINAB", "MUTISO", "GRACE", "NJOROGE", "")
_MIDDLE = ("", "KAMAU", "", "ACHIENG", "", "MWENDE", "")
_LAST = ("DOE", "MAINA", "ODHIAMBO", "HASSAN", "CHEPKOECH", "WAFULA", "", "NYAMBURA")


def owner_of(msisdn: str) -> Owner:
    """Drawn from the digits of the number; some parts are empty, as in the M-Pesa register."""
    number = int(msisdn[-9:])
    return Owner(_FIRST[number % len(_FIRST)], _MIDDLE[number // 7 % len(_MIDDLE)], _LAST[number // 13 % len(_LAST)])
