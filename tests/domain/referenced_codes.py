"""The codes of messaging that our sources name, written down apart from the catalogue.

From the documents that the product implements, from the list of what is known of Twilio, and from people's reports.
"""

_DOCUMENTS = (11200, 11205, 20003, 20429, 21211, 21606, 21610, 21614, 30003, 30005, 30007, 63016, 63018)
_WEBHOOKS = (
    11100, 11200, 11201, 11202, 11203, 11205, 11206, 11210, 11215, 11216, 11217, 11220, 11235, 11236, 11237, 11240,
    11241, 11242, 11243, 11750, 11770, 12100, 12101, 12102, 12200, 12300, 12400, 14107, 57012,
)  # fmt: skip
_CREATES = (
    20009, 20404, 20409, 21211, 21408, *range(21602, 21620), 21623, 21635, *range(21654, 21662), 21701, 21702, 21703,
    21704, 21705, 21708, 21709, 21710, 21712, 21714, 35111, *range(35114, 35119), 35125, 35126,
)  # fmt: skip
_DELIVERY = (
    11751, *range(30001, 30009), 30032, 30034, 30036, 30046, 30047, 30450, 30610, 30640, 63013, 63014, 63016, 63018,
    63024, 63033, 63034, 63035, 63036, 63040, 63041, 63042, 63046, 63049,
)  # fmt: skip
_REGISTRATION = (*range(30880, 30910), *(code for code in range(21717, 21738) if code not in (21718, 21734, 21735)))
# Accounts, lists of deactivated numbers, and packages of Lookup.
_ACCOUNTS = (21101, 21479, 21480, 30113, 30114, 30115, 60600, 60601, 60606, 60607, 60610, 60614, 60619)
# Reports: what a create call or a callback said.
_REPORTED = (21609, 21619, 21620, 21623, 21656, 21658, 30032, 30034, 63013, 63014, 63032, 63033, 63049)

NAMED = sorted({*_DOCUMENTS, *_WEBHOOKS, *_CREATES, *_DELIVERY, *_REGISTRATION, *_ACCOUNTS, *_REPORTED})
