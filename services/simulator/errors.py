"""Twilio's refusals, as values. Codes and texts are Twilio's; `%s` in a text takes the offending value."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """An answer other than 2xx: the HTTP status, Twilio's error code, and its text."""

    status: int
    code: int
    message: str

    def body(self) -> dict[str, object]:
        """Twilio's error body."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }

    def about(self, value: str) -> "Refusal":
        """This refusal with `value` in its text."""
        return Refusal(self.status, self.code, self.message % value)


AUTHENTICATE = Refusal(401, 20003, "Authenticate")
NOT_FOUND = Refusal(404, 20404, "The requested resource %s was not found")
METHOD_NOT_ALLOWED = Refusal(405, 20004, "Method not allowed")
TOO_MANY_REQUESTS = Refusal(429, 20429, "Too Many Requests")
SERVER_ERROR = Refusal(500, 20500, "An internal server error has occurred")
# Twilio's text; with which HTTP status is not confirmed.
NOT_ACTIVE = Refusal(403, 20005, "Account not active")
UNAVAILABLE = Refusal(503, 20503, "Service unavailable")

INVALID_PARAMETER = Refusal(400, 20001, "Invalid parameter: %s")
# With which HTTP status, and in which words, is not confirmed.
NO_DEACTIVATIONS_YET = Refusal(400, 30114, "The list of deactivated numbers is not available yet")
NOT_DELIVERED_YET = Refusal(409, 20009, "Cannot delete message because delivery has not been completed.")
NOT_CANCELABLE = Refusal(409, 30409, "Message is not in a cancelable state.")

FROM_REQUIRED = Refusal(400, 21603, "A 'From' phone number is required.")
TO_REQUIRED = Refusal(400, 21604, "A 'To' phone number is required.")
CONTENT_REQUIRED = Refusal(400, 21602, "Message body is required.")
INVALID_TO = Refusal(400, 21211, "The 'To' number %s is not a valid phone number.")
INVALID_FROM = Refusal(
    400, 21212, "The 'From' number %s is not a valid phone number, shortcode, or alphanumeric sender ID."
)
FROM_NOT_CAPABLE = Refusal(
    400,
    21606,
    "The 'From' phone number %s is not a valid, SMS-capable inbound phone number or short code for your account.",
)
SAME_NUMBER = Refusal(400, 21266, "'To' and 'From' number cannot be the same: %s")
CHANNELS_DIFFER = Refusal(400, 21910, "Invalid From and To pair. From and To should be of the same channel")
NO_CHANNEL = Refusal(400, 63007, "Twilio could not find a Channel with the specified From address")
INVALID_SERVICE = Refusal(404, 21701, "The Messaging Service does not exist: %s")
OPTED_OUT = Refusal(400, 21610, "Attempt to send to unsubscribed recipient")
NOT_REACHABLE = Refusal(
    400, 21612, "'To' phone number %s is not currently reachable using the 'From' phone number given via SMS"
)
NOT_MOBILE = Refusal(400, 21614, "'To' number is not a valid mobile number: %s")
BODY_TOO_LONG = Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
INVALID_MEDIA_URL = Refusal(400, 21620, "Invalid media URL(s): %s")
TOO_MANY_MEDIA = Refusal(400, 21623, "Number of media files exceeds allowed limit.")
INVALID_VALIDITY = Refusal(400, 21624, "The ValidityPeriod %s is invalid; it must be from 1 to 36000 seconds.")
INVALID_CALLBACK = Refusal(400, 21609, "The 'StatusCallback' URL %s is not a valid URL.")
INVALID_SMS_URL = Refusal(400, 21502, "SmsUrl is not valid: %s")
INVALID_CONTENT_SID = Refusal(400, 21655, "The ContentSid Parameter is Invalid")
INVALID_CONTENT_VARIABLES = Refusal(400, 21656, "The Content Variables parameter is invalid")
CONTENT_SID_REQUIRED = Refusal(400, 21654, "ContentSid Required")
PARAMETER_TOO_LONG = Refusal(400, 21658, "Parameter exceeded character limit")
CHANNEL_POLICY = Refusal(400, 63013, "Channel policy violation")
# Twilio's dictionary has these three; their texts, and that a create is refused by them, are not confirmed.
TEMPLATE_REJECTED = Refusal(400, 63040, "WhatsApp rejected the template")
TEMPLATE_PAUSED = Refusal(400, 63041, "WhatsApp paused the template")
TEMPLATE_DISABLED = Refusal(400, 63042, "WhatsApp disabled the template")
# With which HTTP status is not confirmed.
SUBMITTED_BEFORE = Refusal(400, 92009, "The template associated with this SID has already been submitted for approval.")
# Twilio says that the sender must be one of the pool; by which code it refuses another is not confirmed.
NOT_IN_POOL = Refusal(
    400, 21711, "Phone Number, Shortcode, or AlphaSender %s is not associated to the specified Messaging Service"
)
IN_THIS_SERVICE = Refusal(409, 21710, "Phone Number or Short Code is already in the Messaging Service.")
IN_ANOTHER_SERVICE = Refusal(409, 21712, "Phone Number or Short Code is associated with another Messaging Service.")
# Twilio's texts; with which HTTP status is not confirmed.
FALLBACK_AND_FROM = Refusal(400, 21664, "'FallbackFrom' cannot be used with a 'From' sender")
INVALID_FALLBACK = Refusal(400, 21665, "Invalid 'FallbackFrom' sender")
FALLBACK_NEEDS_SERVICE = Refusal(400, 21666, "'FallbackFrom' requires MessagingServiceSid")
FALLBACK_NEEDS_RCS = Refusal(400, 21667, "'FallbackFrom' requires the Messaging Service to have an RCS Sender")
SEND_AT_MISSING = Refusal(400, 35111, "SendAt timestamp is missing or not ISO 8601.")
SEND_AT_RANGE = Refusal(400, 35114, "SendAt time must be between 300 seconds and 35 days in the future.")
SCHEDULE_NEEDS_SERVICE = Refusal(400, 35118, "MessagingServiceSid is required to schedule a message")

# What a message that failed later says: error_code → error_message.
DELIVERY_ERRORS = {
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    21612: "The 'To' phone number is not currently reachable via SMS",
    30032: "Toll-Free Number Has Not Been Verified",
    30033: "US A2P 10DLC - Campaign Suspended",
    30034: "US A2P 10DLC - Message from an Unregistered Number",
    30036: "Validity Period Expired",
    30046: "RCS message could not be delivered to the device",
    63016: "Failed to send freeform message because you are outside the allowed window. "
    "If you are using WhatsApp, please use a Message Template.",
}
