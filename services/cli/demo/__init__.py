"""`switchboard demo`: arguments in, `services.demo` played on `services.local`, tables out.

main → report
"""
