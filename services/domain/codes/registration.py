"""Registration of senders with carriers, US A2P 10DLC and toll-free: 21717 to 21737, 30032 to 30035, 304xx to 309xx."""

from services.domain.codes.info import ErrorInfo, Table, alike

_BRAND = ErrorInfo("registration", "The brand's registration failed: correct what Twilio's console names.", "account")
_CAMPAIGN = ErrorInfo(
    "registration", "The campaign was rejected: correct what Twilio's console names, then submit it again.", "sender"
)
_TOLL_FREE = ErrorInfo(
    "registration", "The toll-free number's verification was rejected: correct what the console names.", "sender"
)

TABLE: Table = {
    **alike("21717 21719 21720 21721 21722 21723 21727 21728 21729 21732 21733", _CAMPAIGN),
    **alike("21724 21725 21726 21731 21736 21737", _BRAND),
    21730: ErrorInfo("twilio", "Twilio's registration is under maintenance: try later."),
    30032: ErrorInfo(
        "registration",
        "Verify the toll-free number in Twilio's console; until then send from another.",
        "sender",
        by_callback=True,
    ),
    30033: ErrorInfo(
        "registration",
        "The number's US campaign is suspended: ask Twilio why; send from another campaign.",
        "sender",
        by_callback=True,
    ),
    30034: ErrorInfo(
        "registration",
        "Add the number to a Messaging Service with an approved US A2P 10DLC campaign before sending to the US.",
        "sender",
        by_callback=True,
    ),
    30035: ErrorInfo(
        "registration",
        "The number's US registration is not through yet: wait until it says Registered.",
        "sender",
        by_callback=True,
    ),
    30125: ErrorInfo("registration", "The number could not be registered for the US: ask Twilio's support.", "sender"),
    30126: ErrorInfo("registration", "The number could not be registered for the US: ask Twilio's support.", "sender"),
    **alike("30437 30440 30441 30442 30443 30444 30445 30446 30447 30448 30449 30451 30452 30455", _TOLL_FREE),
    **alike("30456 30457 30458 30459 30460 30461 30462 30463 30464 30465 30466 30467 30468 30469", _TOLL_FREE),
    **alike("30470 30471 30472 30473 30474 30475 30476 30477 30478 30479 30480", _TOLL_FREE),
    **alike("30701 30702 30703 30712 30729 30734 30747 30748 30749 30750 30751 30752 30753 30754", _BRAND),
    **alike("30755 30756 30790 30791 30792 30793 30794 30795 30796 30797 30798 30799", _BRAND),
    **alike("30880 30881 30882 30883 30884 30885 30886 30887 30888 30889 30890 30891 30892 30893", _CAMPAIGN),
    **alike("30894 30895 30896 30897 30898 30899 30900 30901 30902 30903 30904 30905 30906 30907", _CAMPAIGN),
    **alike("30908 30909 30990 30991 30992 30993 30994", _CAMPAIGN),
}
