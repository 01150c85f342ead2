/**
 * Words by which people ask for deeds, as parts of patterns: of languages that put spaces between words, and of those that
 * do not. They are generous: a person who asks for one kind of thing gets it without a question, and what the words do not
 * settle (to whom, where to) is settled by names. English stands first, then the commonest words of German, French,
 * Spanish, Italian, Portuguese, Dutch, Polish and Russian; Chinese and Japanese at the end.
 */
export const ASK_WORDS = {
  send: [
    [
      String.raw`send|sends|forward|repl(?:y|ies)|respond to|post|publish|share|tweet|notify|invite|submit|upload|deliver`,
      String.raw`|broadcast|inform|announce|draft|write (?:to|back)`,
      String.raw`|write (?:\w+ ){0,3}(?:e-?mail|mail|message|reply|letter|post|comment)|tell (?!me\b|us\b)|ask (?!me\b)`,
      String.raw`|remind (?!me\b)|let \w.{0,30}? know|schick\w*|sende\w*|versend\w*|antwort\w*|weiterleit\w*|leite|teile`,
      String.raw`|benachrichtig\w*|schreib\w*|envoie\w*|envoyer|réponds?|répondre|transf[èé]re\w*|partage\w*|préviens|envía\w*`,
      String.raw`|enviar|manda\w*|responde\w*|reenvía\w*|comparte\w*|publica\w*|invia\w*|rispondi\w*|inoltra\w*|condividi\w*`,
      String.raw`|envie|mande|responda|encaminhe|compartilhe|stuur\w*|verstuur\w*|beantwoord\w*|wyślij|odpowiedz|przekaż`,
      String.raw`|отправь\w*|пошли|ответь\w*|перешли`,
      String.raw`|answer (?:him|her|them|\S+'s|(?:the |my |this |that )?(?:\w+ )?(?:e-?mail|mail|message|letter|request|invitation))`,
      String.raw`|(?:e-?mail|mail|text|message|dm|ping|call|slack|whatsapp) (?:to |it to |this to )?(?:him|her|them|everyone|all|the (?:team|group|customer|client|list|channel)|my \w+|\S+@\S+)`,
    ],
    "发送|发给|回复|转发|分享|通知|送って|送信|返信|転送|共有",
  ],
  run: [
    [
      String.raw`run|runs|rerun|execute|exec|install|uninstall|set ?up|setup|build|rebuild|compile|start|stop|restart|launch`,
      String.raw`|deploy|test|tests|try|configure|fix|repair|debug|diagnos\w*|investigat\w*|reproduce|troubleshoot|update|upgrade`,
      String.raw`|migrat\w*|clone|pull|push|commit|merge|rebase|check ?out|convert|extract|unpack|unzip|zip|compress|download`,
      String.raw`|benchmark|profile|format|lint`,
      String.raw`|follow (?:the|its|these|those|this) (?:\w+ )?(?:steps|instructions|guide|docs?|tutorial|readme)|implement`,
      String.raw`|refactor|develop|code|script|rename|move|copy|clean ?up|command|terminal|shell|bash|docker|podman|git|npm|pnpm`,
      String.raw`|yarn|pip|cargo|make|kubectl|terraform|ansible|systemctl|apt|brew|curl|wget|ssh|why (?:does|is|are|do|did)`,
      String.raw`|führ\w*|ausführ\w*|installier\w*|starte\w*|baue|bau|teste\w*|reparier\w*|behebe\w*|richte|kompilier\w*`,
      String.raw`|aktualisier\w*|exécut\w*|lance\w*|installe\w*|corrige\w*|démarre\w*|compile\w*|ejecut\w*|instala\w*|arregl\w*`,
      String.raw`|corre|prueba|esegui\w*|avvia|ripara\w*|execute\w*|rode|conserte\w*|voer|installeer|uruchom|zainstaluj|napraw`,
      String.raw`|запусти\w*|установи\w*|исправь\w*|собери\w*`,
    ],
    "运行|执行|安装|修复|部署|测试|実行|インストール|修正|テスト",
  ],
  write: [
    [
      String.raw`save|store|write|put|copy|move|export|download|place|desktop|downloads|documents|home (?:folder|directory)`,
      String.raw`|speicher\w*|schreib\w*|leg\w*|enregistre\w*|écris|sauvegarde\w*|guarda\w*|escrib\w*|salva\w*|scrivi\w*|salve`,
      String.raw`|grave|opslaan|bewaar|zapisz|сохрани\w*|запиши\w*`,
    ],
    "保存|写入|書いて",
  ],
  secret: [
    [
      String.raw`keys?|passwords?|passphrase|credentials?|secrets?|tokens?|\.env|env file|ssh|gpg|aws|kube(?:config)?`,
      String.raw`|cert(?:ificate)?s?|login|passwort|schlüssel|zugangsdaten|mot de passe|clés?|contraseñas?|claves?|chiavi?`,
      String.raw`|senhas?|wachtwoord|hasł\w*|парол\w*|ключ\w*`,
    ],
    "密码|密钥|パスワード|鍵",
  ],
  schedule: [
    [
      String.raw`remind\w*|schedul\w*|every|daily|weekly|monthly|hourly|tomorrow|tonight|later|cron|jobs?|automat\w*|recurring`,
      String.raw`|timer|alarm|watch|monitor|in (?:an?|\d+) (?:minutes?|hours?|days?|weeks?)|at \d`,
      String.raw`|each (?:day|morning|evening|week|hour)|erinner\w*|täglich|wöchentlich|stündlich|jeden?|morgen|plane|überwach\w*`,
      String.raw`|rappelle\w*|planifie\w*|chaque|demain|tous les|recuérd\w*|recordar\w*|programa\w*|cada|mañana|ricorda\w*`,
      String.raw`|pianifica\w*|ogni|domani|lembr\w*|agend\w*|amanhã|herinner\w*|elke|przypomnij|codziennie|напомни\w*|каждый`,
      String.raw`|завтра|ежедневно`,
    ],
    "提醒|每天|明天|定时|リマインド|毎日|明日",
  ],
  settings: [
    [
      String.raw`config\w*|settings?|gateway|openclaw|chela|plugins?|skills?|enable|disable|turn (?:on|off)|switch|change|set`,
      String.raw`|update|restart|upgrade|install|add|remove|einstell\w*|aktivier\w*|deaktivier\w*|konfigurier\w*|ändere`,
      String.raw`|param[èe]tr\w*|active|désactive|réglage\w*|configur\w*|ajust\w*|activa|desactiva|impost\w*|instellingen`,
      String.raw`|ustaw\w*|настро\w*|включи|выключи`,
    ],
    "设置|配置|启用|設定|有効",
  ],
  instruct: [
    [
      String.raw`remember|note|notes|memor\w*|rules?|always|never|from now on|instructions?|preferences?|prefer|persona\w*`,
      String.raw`|behavio\w*|agents?\.md|soul|identity|user\.md|tools\.md|heartbeat|skills?|hooks?|merk\w*|regel\w*|immer`,
      String.raw`|niemals?|notier\w*|souviens|toujours|jamais|règle\w*|recuerda|siempre|nunca|regla\w*|ricorda|sempre|mai|lembre`,
      String.raw`|onthoud|altijd|zapamiętaj|zawsze|запомни\w*|всегда|никогда`,
    ],
    "记住|规则|总是|覚えて|ルール|常に",
  ],
  pay: [
    [
      String.raw`pay\w*|transfer\w*|buy|purchase|order|book|reserve|rent|refund|donate|subscribe|invoice|bill|transaction|wire`,
      String.raw`|money|checkout|trade|sell|bezahl\w*|zahl\w*|überweis\w*|kauf\w*|bestell\w*|buch\w*|paye\w*|payer|achète\w*`,
      String.raw`|commande\w*|réserve\w*|vire\w*|paga\w*|compra\w*|reserva\w*|transfier\w*|compra|acquista\w*|ordina\w*`,
      String.raw`|prenota\w*|pague|compre|transfira|betaal\w*|koop|bestel\w*|zapłać|kup|zamów|заплати\w*|купи\w*|закажи\w*`,
      String.raw`|переведи`,
    ],
    "支付|付款|购买|转账|预订|支払|購入|注文|予約",
  ],
  destroy: [
    [
      String.raw`delete\w*|remove\w*|erase|wipe|purge|clear|clean ?up|trash|drop|destroy|cancel|discard|uninstall|unsubscribe`,
      String.raw`|archive|empty|lösch\w*|entfern\w*|storniere\w*|supprime\w*|efface\w*|annule\w*|borra\w*|elimina\w*|cancela\w*`,
      String.raw`|cancella\w*|rimuov\w*|apague|exclua|verwijder\w*|wis|usuń|skasuj|удали\w*|отмени\w*`,
    ],
    "删除|取消|清空|削除|キャンセル",
  ],
  change: [
    [
      String.raw`add|create|make|update|edit|change|set|schedule|plan|write|insert|put|rename|move|assign|label|mark|tag|file`,
      String.raw`|book|register|new|draft|log|track|organi[sz]e|erstell\w*|füge|trag\w*|änder\w*|leg\w*|mach\w*|ajoute\w*|crée\w*`,
      String.raw`|modifie\w*|mets|añad\w*|agreg\w*|crea\w*|cambia\w*|actualiza\w*|aggiung\w*|modific\w*|adicione|crie|altere`,
      String.raw`|atualize|voeg|maak|wijzig|dodaj|utwórz|zmień|добавь\w*|создай\w*|измени\w*`,
    ],
    "添加|创建|修改|更新|追加|作成|変更",
  ],
} as const satisfies Record<string, readonly [spaced: readonly string[], unspaced: string]>;
