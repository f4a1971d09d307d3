"""The doctor's findings in people's words: what is the case and what to do next. Codes and fixes: routeros.doctor."""

from collections.abc import Mapping

from portal.msgid import N_
from routeros.troubles import trouble_of

#: code → sentence for a shopkeeper, with %-placeholders filled from the finding's params.
SENTENCES: Mapping[str, str] = {
    "fine": N_("Everything is in order."),
    "trouble_address": N_(
        "No router can be reached at this address. Check it for typing errors. An address like 192.168… works only inside "
        "your shop: use the public address, or the tunnel."
    ),
    "trouble_closed": N_(
        "Something answers at this address, but the API port is closed. Run the setup script on the router, or switch the "
        "API service on, and check the port."
    ),
    "trouble_silent": N_(
        "Nobody answers at this address. Check that the router has power and internet, and that your provider gives you a "
        "public address. If it does not, use the tunnel."
    ),
    "trouble_not_router": N_("What answers at this address is not a MikroTik router's API. Check address and port."),
    "trouble_security": N_(
        "The router and we do not agree on a secure connection. Port 8729 needs a certificate on the router; port 8728 works "
        "without one, and then the fingerprint here must be empty."
    ),
    "trouble_certificate": N_(
        "The router shows another certificate than the one you gave us. If you changed it, copy the new fingerprint here. "
        "If not, somebody may be listening in."
    ),
    "trouble_password": N_(
        "The router does not accept our name and password. Run the setup script again, or correct the password here."
    ),
    "trouble_rights": N_(
        "Our user on the router may not do enough. Run the setup script again: it sets the right group."
    ),
    "trouble_device_mode": N_(
        "The router's device-mode forbids the hotspot. Paste the line below, then unplug the router within five minutes and "
        "plug it in again."
    ),
    "trouble_licence": N_(
        "The router's licence allows no more people online. Buy a higher RouterOS licence, level 4 or more, or wait until somebody "
        "leaves."
    ),
    "trouble_hung_up": N_(
        "Something answers, but hangs up before we can sign in. The router's API may allow other addresses only, or this is the "
        "port for connections with a certificate. Run the setup script again, or check port and fingerprint."
    ),
    "trouble_phone_gone": N_(
        "The phone is not on the Wi-Fi at the moment. As soon as it is back and opens a page, it is let in."
    ),
    "trouble_other_phone": N_(
        "Another phone has this address now. The customer opens the page once more and is let in."
    ),
    "trouble_devices": N_("As many devices as were sold are online already. One of them has to leave first."),
    "trouble_name_taken": N_(
        "Somebody made a user of the same name at the router. Look under Leaks and differences and remove it there."
    ),
    "trouble_spent": N_(
        "The router counts this package as used up. The next visit to the router puts it right, within a minute."
    ),
    "trouble_cut": N_("The connection was cut on the way. If this stays, check the router's internet line."),
    "trouble_other": N_("The router answered with an error we do not know. Try again; if it stays, ask us for help."),
    "agent_old": N_(
        "The router runs an older script of ours that cannot tell its settings. Paste a new setup script into it."
    ),
    "version_unknown": N_("The router did not tell its version."),
    "version_holes": N_(
        "RouterOS %(version)s has known security holes (%(holes)s). Update the router in a quiet hour."
    ),
    "policies_missing": N_("Our user on the router lacks rights it needs: %(missing)s."),
    "policies_too_many": N_("Our user on the router is in the group %(group)s and may do more than it needs."),
    "user_open": N_("The router user %(user)s may sign in from anywhere. Allow it from our address only."),
    "device_mode": N_(
        "The router's device-mode switches off: %(off)s. Paste the line below, then unplug the router within five minutes "
        "and plug it in again."
    ),
    "clock_unset": N_("The router's clock is not set. It needs a time server."),
    "clock_wrong": N_("The router's clock is wrong by %(minutes)s minutes."),
    "ntp_off": N_("The router asks no time server. After a power cut its clock will be wrong."),
    "zone": N_("The router's time zone is %(is)s, yours is %(wanted)s."),
    "hotspot_none": N_("There is no hotspot on this router. Run the setup script."),
    "hotspot_off": N_("The hotspot %(name)s is switched off or does not work."),
    "login_free": N_("The hotspot lets people in without paying: %(ways)s."),
    "login_none": N_("The hotspot %(name)s lets nobody sign in by a form."),
    "radius": N_(
        "The hotspot %(name)s asks another server (RADIUS) who may come in. Then people who paid may be kept out."
    ),
    "dns_name": N_("The hotspot %(name)s has no name. Phones then see a bare number as its address."),
    "garden_closed": N_("People who have not paid cannot open our page %(host)s. Nobody can buy."),
    "garden_address": N_("Our page %(host)s is let through by name only. Phones with private DNS may not open it."),
    "garden_pay_closed": N_(
        "Customers cannot open the page for paying by card (%(hosts)s). Make a new setup script, or paste the lines below."
    ),
    "garden_left_open": N_(
        "%(hosts)s are open before paying although you take no cards any more. Paste the lines below."
    ),
    "pppoe_none": N_(
        "%(number)s monthly customers are to dial in here, but the router has no PPPoE server. Add one on the cable that leads to "
        "them: PPP, PPPoE Servers in WinBox."
    ),
    "pppoe_off": N_(
        "%(number)s monthly customers are to dial in here, but the router's PPPoE server on %(interface)s is off."
    ),
    "pppoe_addresses": N_(
        "The PPPoE server's profile %(profile)s gives out no addresses, so nobody can dial in. Choose a range of your own, or paste "
        "the lines below."
    ),
    "api_sessions": N_("The router allows only %(most)s connections to its API at a time."),
    "api_open": N_("Everybody on the internet may knock at the router's %(name)s service. Allow our address only."),
    "service_open": N_("The service %(name)s is open for everybody. Switch it off if you do not use it."),
    "api_plain": N_(
        "We talk to the router without encryption. Over the internet use port 8729 with a certificate, or the tunnel."
    ),
    "certificate_over": N_("The certificate %(name)s has expired."),
    "certificate_none": N_("The hotspot %(name)s offers https without a certificate."),
    "licence_one": N_(
        "The router's licence (level %(level)s) lets one person online at a time. It needs level 4 or higher."
    ),
    "licence_over": N_("The licence (level %(level)s) lets %(most)s people online; you have sold to %(sold)s."),
    "licence_near": N_("The licence (level %(level)s) lets %(most)s people online; you have sold to %(sold)s already."),
    "flash": N_("Only %(kib)s KiB are free on the router's storage. Delete files it does not need."),
}


def sentence_of(error: str) -> str:
    """What a shopkeeper may do about an error of the network's or the router's, untranslated."""
    return SENTENCES[f"trouble_{trouble_of(error)}"]
