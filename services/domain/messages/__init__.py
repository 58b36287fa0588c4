"""Programmable Messaging (SMS, MMS, WhatsApp): its facts, its folds, its commands. Pure, like all of `domain`."""
