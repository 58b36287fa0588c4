"""`switchboard dead`: arguments in, `services.operations.dead` called, tables out.

main → report
"""
