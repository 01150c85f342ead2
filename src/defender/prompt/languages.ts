import type { Sign } from "./phrases.ts";

/**
 * "Ignore your earlier instructions" in other languages, over text in lower case without accents. Every repetition is
 * bounded. What stands in the group `prior` makes it more than a rule of some game.
 */
const OVERRIDES: readonly RegExp[] = [
  // Spanish, Portuguese, Italian
  /\b(?:ignor|olvid|omit|descart|desatiend|desconsider|esquec|dimentic|trascur)[a-z]{0,6}\b.{0,30}\b(?:instruccion|instrucoes|instruco|istruzion|indicacion|indicazion|regla|regol|regra|orden|ordin|orient)[a-z]{0,4}\b(?<prior>.{0,20}\b(?:anterior|previ[ao]s?\b|precedent[ei]|acima|arriba|sopra|que te|que has))?/g,
  // French
  /\b(?:ignor|oubli|neglig)[a-z]{1,4}\b.{0,20}\b(?:les|tes|vos|ces|mes|des)\b.{0,15}\b(?:instruction|consigne|regle|directive)s?\b(?<prior>.{0,20}\b(?:anterieur|precedent|ci-dessus|que vous|que tu))?/g,
  // German, Dutch
  /\b(?:ignorier|vergiss|vergessen|missacht|negeer|vergeet)[a-z]{0,4}\b(?<prior>.{0,30}\b(?:vorherig|bisherig|vorig|obig|fruher|eerder|bovenstaand|alle|deine|ihre))?.{0,20}\b(?:anweisung|instruktion|instructie|regel|vorgabe|befehl|opdracht|aanwijzing)[a-z]{0,5}/g,
  // Russian, Ukrainian
  /(?:игнорир|забуд|не обращай внимани|не следуй|проигнорир|ігнору)[а-яі]{0,6}(?<prior>.{0,30}(?:предыдущ|прежн|все|свои|попередн|выше))?.{0,20}(?:инструкц|указани|правил|команд|інструкц)/g,
  // Polish, Czech
  /\b(?:zignoruj|ignoruj|zapomnij|zapomen)[a-z]{0,4}\b(?<prior>.{0,30}\b(?:poprzedni|wczesniejsz|predchozi|wszystki|vsechny))?.{0,20}\b(?:instrukcj|polecen|zasad|instrukc|pokyn|pravidl)/g,
  // Turkish
  /(?<prior>onceki|yukaridaki|tum).{0,20}(?:talimat|komut|kural|yonerge).{0,20}(?:yok say|gormezden gel|unut|dikkate alma)/g,
  // Chinese
  /(?:忽略|無視|无视|忘记|忘記|不要理会|不用理会|不要遵守|忽視|忽视)(?<prior>.{0,10}(?:之前|以上|上面|前面|先前|所有|你的|系统|上述))?.{0,10}(?:指令|指示|提示|规则|規則|说明|設定|设定|命令)/g,
  // Japanese, Korean: the verb comes last
  /(?<prior>以前|これまで|上記|前の|すべて|全て|先ほど).{0,10}(?:指示|命令|ルール|プロンプト|指令).{0,8}(?:無視|忘れ|従わ)/g,
  /(?<prior>이전|앞의|위의|모든|지금까지).{0,10}(?:지시|명령|지침|규칙|프롬프트|안내).{0,8}(?:무시|잊|따르지)/g,
  // Hindi, Arabic, Vietnamese, Indonesian
  /(?<prior>पिछले|पिछली|पूर्व|सभी|उपरोक्त).{0,15}(?:निर्देश|नियम|आदेश|अनुदेश).{0,20}(?:अनदेखा|अनदेखी|नजरअंदाज|नज़रअंदाज़|उपेक्षा|भूल)/g,
  /(?:تجاهل|انس|أهمل|اهمل).{0,15}(?:التعليمات|الأوامر|الاوامر|القواعد|الإرشادات|توجيهات)(?<prior>.{0,12}(?:السابقة|أعلاه|السابق))?/g,
  /(?:bo qua|phot lo|quen|abaikan|lupakan).{0,20}(?:huong dan|chi dan|lenh|quy tac|instruksi|perintah|aturan)(?<prior>.{0,15}(?:truoc|tren|sebelumnya|di atas))?/g,
];

const HINT =
  /ignor|olvid|omit|descart|desatiend|desconsider|esquec|dimentic|trascur|oubli|neglig|verg|missacht|negeer|забуд|игнор|ігнор|не следуй|не обращ|zapom|talimat|komut|kural|yonerge|[忽无無忘]|不要|不用|指示|命令|ルール|プロンプト|무시|잊|따르지|निर्देश|नियम|आदेश|अनुदेश|تجاهل|انس|همل|bo qua|phot lo|quen|abaikan|lupakan/;

/** Overrides in other languages. `text` is normalised. */
export function foreignOverrides(text: string): Sign[] {
  const lower = text.toLowerCase();
  if (!HINT.test(lower)) return [];
  return OVERRIDES.flatMap((pattern) =>
    [...lower.matchAll(pattern)].map(
      (match): Sign => ({
        id: "ignore-prior-rules-translated",
        family: "override",
        weight: match.groups?.prior === undefined ? 40 : 80,
        reason: "Tells the assistant to ignore its instructions.",
        start: match.index,
        end: match.index + match[0].length,
      }),
    ),
  );
}
